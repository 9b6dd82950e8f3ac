#include "reader/page/place_words.h"

#include <algorithm>
#include <array>

namespace lectern::reader {

namespace {
constexpr std::array<std::string_view, 212> kWords = {
    "ALAM", "ALLEE", "ALOR", "AMAN", "AMPANG", "ARCADE", "AUTOBAHN", "AVENUE", "BAHAGIA", "BAHARU", "BAHRU", "BALI",
    "BANDAR", "BANGSAR", "BANGUNAN", "BARAT", "BARU", "BASEMENT", "BATANG", "BATU", "BESAR", "BLOCK", "BLOK",
    "BOULEVARD", "BUILDING", "BUKIT", "BUTTERWORTH", "CENTER", "CENTRAL", "CENTRE", "CHERAS", "CITY", "COMPLEX",
    "CORNER", "COURT", "CRESCENT", "DAMANSARA", "DARUL", "DATA", "DATARAN", "DATE", "DATO", "DATUK", "DESA", "DRIVE",
    "EAST", "EHSAN", "ESTATE", "FAST", "FIRST", "FLOOR", "GARDEN", "GARDENS", "GEORGETOWN", "GROUND", "GUDANG",
    "HALL", "HEIGHTS", "HIGHWAY", "HIJAU", "HILIR", "HILL", "HILLS", "HOUSE", "IBRAHIM", "INDAH", "INDUSTRIAL",
    "IPOH", "ISKANDAR", "ISMAIL", "JALAN", "JAYA", "JLN", "JOHOR", "KAJANG", "KALI", "KAMPONG", "KAMPUNG", "KAWASAN",
    "KECIL", "KEDAH", "KELANA", "KELANG", "KELANTAN", "KEMBANGAN", "KEPONG", "KINABALU", "KLANG", "KOMPLEKS", "KOTA",
    "KUALA", "KUANTAN", "KUCHING", "LABUAN", "LALUAN", "LAMA", "LAMAN", "LAND", "LANE", "LAUT", "LEBOH", "LEBUH",
    "LEBUHRAYA", "LEVEL", "LINGKARAN", "LORONG", "LOT", "LRG", "LUMPUR", "MAHKOTA", "MAIL", "MAIN", "MAKMUR",
    "MALACCA", "MALAYSIA", "MALL", "MARKET", "MASAI", "MEDAN", "MELAKA", "MENARA", "MERDEKA", "MILE", "MILES",
    "MUKIM", "NEGERI", "NORTH", "OFFICE", "PADANG", "PAHANG", "PANTAI", "PARADE", "PARK", "PARKWAY", "PASAR", "PASIR",
    "PAYA", "PEKAN", "PENANG", "PERAK", "PERDANA", "PERINDUSTRIAN", "PERLIS", "PERMAI", "PERSIARAN", "PERUSAHAAN",
    "PETALING", "PINANG", "PLACE", "PLATZ", "PLAZA", "PUCHONG", "PULAU", "PUSAT", "PUTERI", "PUTRA", "PUTRAJAYA",
    "PUTRI", "RAJA", "RATU", "RAWANG", "RAYA", "ROAD", "SABAH", "SARAWAK", "SECOND", "SECTION", "SEKSYEN", "SELANGOR",
    "SELATAN", "SEMBILAN", "SENTOSA", "SENTRAL", "SEPANG", "SERDANG", "SEREMBAN", "SERI", "SETIA", "SHAH", "SHOPPING",
    "SINGAPORE", "SKUDAI", "SOUTH", "SQUARE", "STATION", "STRASSE", "STREET", "SUBANG", "SULTAN", "SUNGAI", "SUNGEI",
    "TAMAN", "TANJONG", "TANJUNG", "TENGAH", "TERENGGANU", "TERMINAL", "TIGA", "TIMOR", "TIMUR", "TINGKAT", "TMN",
    "TOWER", "TOWN", "TUNKU", "UNIT", "UTAMA", "UTARA", "VALLEY", "VILLAGE", "WALL", "WEST"};
}  // namespace

std::span<const std::string_view> placeWords() { return kWords; }

bool isPlaceWord(std::string_view capitals) { return std::binary_search(kWords.begin(), kWords.end(), capitals); }

}  // namespace lectern::reader
