#include "model/formats/safetensors.h"

#include <fmt/format.h>

#include <cstring>
#include <limits>

#include "base/json.h"
#include "model/formats/mapped_file.h"

namespace lectern::model::formats {

namespace {
constexpr uint64_t kMaxHeader = 100'000'000;  // the format's own limit

struct Parsed {
  std::vector<TensorInfo> tensors;
  std::vector<std::pair<uint64_t, uint64_t>> places;
  json::object header;
  std::string_view data;
};

Role roleOf(std::string_view name) {
  for (const std::string_view start : {"optimizer.", "optimizer_state.", "optim."}) {
    if (name.starts_with(start)) return Role::kOptimizer;
  }
  for (const std::string_view end : {".exp_avg", ".exp_avg_sq", ".momentum_buffer", ".max_exp_avg_sq"}) {
    if (name.ends_with(end)) return Role::kOptimizer;
  }
  for (const std::string_view start : {"ema.", "model_ema.", "ema_model."}) {
    if (name.starts_with(start)) return Role::kAverage;
  }
  return Role::kWeight;
}

std::string dtypeName(std::string_view type) {
  static const std::map<std::string_view, std::string> kNames = {
      {"F64", "float64"}, {"F32", "float32"}, {"F16", "float16"}, {"BF16", "bfloat16"}, {"I64", "int64"},
      {"I32", "int32"},   {"I16", "int16"},   {"I8", "int8"},     {"U8", "uint8"},      {"BOOL", "bool"}};
  const auto found = kNames.find(type);
  return found != kNames.end() ? found->second : std::string(type);
}

Result<Parsed> parse(std::string_view file) {
  uint64_t length = 0;
  if (file.size() < 8) return fail(Code::kCorrupt, "the file is too short");
  std::memcpy(&length, file.data(), 8);
  if (length > kMaxHeader || length > file.size() - 8) return fail(Code::kCorrupt, "the header is longer than the file");
  Parsed out;
  TRY(auto header, parseJson(file.substr(8, length)));
  if (!header.is_object()) return fail(Code::kCorrupt, "the header is no map");
  out.header = std::move(header.as_object());
  out.data = file.substr(8 + length);
  for (const auto& [key, value] : out.header) {
    if (key == "__metadata__") continue;
    if (!value.is_object()) return fail(Code::kCorrupt, fmt::format("tensor '{}' is no map", std::string(key)));
    const auto& tensor = value.as_object();
    const json::value* offsets = tensor.if_contains("data_offsets");
    const json::value* shape = tensor.if_contains("shape");
    if (offsets == nullptr || !offsets->is_array() || offsets->as_array().size() != 2 || shape == nullptr ||
        !shape->is_array()) {
      return fail(Code::kCorrupt, fmt::format("tensor '{}' has no place", std::string(key)));
    }
    TensorInfo info{std::string(key), dtypeName(stringOr(tensor, "dtype", "")), {}, 0, roleOf(std::string_view(key))};
    uint64_t place[2];
    for (size_t i = 0; i < 2; ++i) {
      boost::system::error_code wrong;
      const auto number = offsets->as_array()[i].to_number<uint64_t>(wrong);
      if (wrong) return fail(Code::kCorrupt, fmt::format("tensor '{}' has no place", info.name));
      place[i] = number;
    }
    if (place[0] > place[1] || place[1] > out.data.size()) {
      return fail(Code::kCorrupt, fmt::format("tensor '{}' lies outside the file, which is cut short", info.name));
    }
    for (const auto& dim : shape->as_array()) info.shape.push_back(dim.is_int64() ? dim.as_int64() : 0);
    info.bytes = static_cast<int64_t>(place[1] - place[0]);
    out.tensors.push_back(std::move(info));
    out.places.emplace_back(place[0], place[1]);
  }
  return out;
}
}  // namespace

Result<FileReport> inspectSafetensors(const std::filesystem::path& file) {
  TRY(const auto mapped, MappedFile::open(file));
  TRY(const auto parsed, parse(mapped.bytes()));
  FileReport out;
  out.format = "safetensors";
  out.file_bytes = static_cast<int64_t>(mapped.bytes().size());
  out.tensors = parsed.tensors;
  return out;
}

Result<SlimReport> slimSafetensors(const std::filesystem::path& file, const std::filesystem::path& out_file) {
  TRY(const auto mapped, MappedFile::open(file));
  TRY(auto parsed, parse(mapped.bytes()));
  SlimReport report;
  report.before_bytes = static_cast<int64_t>(mapped.bytes().size());
  uint64_t offset = 0;
  std::vector<std::string_view> kept;
  for (size_t i = 0; i < parsed.tensors.size(); ++i) {
    const auto& info = parsed.tensors[i];
    const auto [begin, end] = parsed.places[i];
    if (info.role != Role::kWeight) {
      report.dropped.push_back({info.name, info.bytes, info.role});
      parsed.header.erase(info.name);
      continue;
    }
    parsed.header[info.name].as_object()["data_offsets"] = json::array{offset, offset + (end - begin)};
    kept.push_back(parsed.data.substr(begin, end - begin));
    offset += end - begin;
  }
  std::string header = toJson(parsed.header);
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const uint64_t length = header.size();
  TRY(auto writer, PieceWriter::create(out_file));
  TRY_VOID(writer.write({reinterpret_cast<const char*>(&length), 8}));
  TRY_VOID(writer.write(header));
  for (const auto piece : kept) TRY_VOID(writer.write(piece));
  report.after_bytes = writer.written();
  TRY_VOID(writer.commit());
  return report;
}

}  // namespace lectern::model::formats
