#include "engine/invoke/event_stream.h"

#include <zlib.h>

#include <cstdint>

#include "base/json.h"

namespace lectern::engine {

namespace {

void appendBigEndian(std::string& out, uint32_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out += char((value >> (8 * i)) & 0xFF);
}

uint32_t crc(std::string_view bytes) {
  return uint32_t(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace

std::string eventStreamMessage(const std::vector<std::pair<std::string_view, std::string_view>>& headers,
                               std::string_view payload) {
  constexpr char kString = 7;
  std::string head;
  for (auto& [name, value] : headers) {
    head += char(name.size());
    head += name;
    head += kString;
    appendBigEndian(head, uint32_t(value.size()), 2);
    head += value;
  }
  std::string out;
  out.reserve(16 + head.size() + payload.size());
  appendBigEndian(out, uint32_t(16 + head.size() + payload.size()), 4);
  appendBigEndian(out, uint32_t(head.size()), 4);
  appendBigEndian(out, crc(out), 4);
  out += head;
  out += payload;
  appendBigEndian(out, crc(out), 4);
  return out;
}

std::string payloadChunk(std::string_view bytes) {
  return eventStreamMessage(
      {{":message-type", "event"}, {":event-type", "PayloadChunk"}, {":content-type", "application/octet-stream"}},
      bytes);
}

std::string invokeComplete(std::string_view error_code, std::string_view error_details, std::string_view log_result) {
  json::object body;
  if (!error_code.empty()) body["ErrorCode"] = error_code;
  if (!error_details.empty()) body["ErrorDetails"] = error_details;
  if (!log_result.empty()) body["LogResult"] = log_result;
  return eventStreamMessage(
      {{":message-type", "event"}, {":event-type", "InvokeComplete"}, {":content-type", "application/json"}},
      toJson(body));
}

}  // namespace lectern::engine
