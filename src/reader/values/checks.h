#pragma once
// Check-digit rules. Each takes the code without blanks, upper case, and says whether its check digit is right; wrong
// length or characters are false. Rules are those of the issuing bodies (ISO 7064, ISO 13616, ISO 17442, ISO 6166,
// ISO 2108, GS1, ICAO 9303, national tax offices).

#include <string>
#include <string_view>

namespace lectern::reader {

bool luhn(std::string_view digits);
bool verhoeff(std::string_view digits);
/// ISO 7064 mod 97-10 over letters as 10..35, remainder 1.
bool mod97(std::string_view code);
/// ISO 7064 mod 11,10.
bool mod11_10(std::string_view digits);

/// A country's letters with that country's length; says nothing about the check digits.
bool ibanShaped(std::string_view s);
bool isIban(std::string_view code);
bool isLei(std::string_view code);
bool isIsin(std::string_view code);
bool isCusip(std::string_view code);
bool isGtin(std::string_view digits);  // 8, 12, 13, 14 or 18 digits
bool isIsbn10(std::string_view code);
bool isIsbn13(std::string_view digits);
bool isIssn(std::string_view code);  // with or without its hyphen
bool isAba(std::string_view digits);
bool isVin(std::string_view code);
bool isContainer(std::string_view code);  // ISO 6346
bool isBic(std::string_view code);
/// One field of a machine-readable travel document with its check digit at the end; weights 7 3 1.
bool isMrzField(std::string_view field);

bool isGstin(std::string_view code);    // India
bool isPan(std::string_view code);      // India
bool isIfsc(std::string_view code);     // India
bool isAadhaar(std::string_view code);  // India, Verhoeff
/// European VAT number with its country prefix: DE, FR, IT, GB, BE, GR/EL, IE, ES, PL, NL, AT, LU, DK, SE, FI, PT.
bool isVat(std::string_view code);

}  // namespace lectern::reader
