#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lectern::engine {

/// One message of application/vnd.amazon.eventstream; all headers are strings.
std::string eventStreamMessage(const std::vector<std::pair<std::string_view, std::string_view>>& headers,
                               std::string_view payload);
/// A PayloadChunk event of InvokeWithResponseStream.
std::string payloadChunk(std::string_view bytes);
/// The InvokeComplete event; empty texts are left out.
std::string invokeComplete(std::string_view error_code, std::string_view error_details, std::string_view log_result);

}  // namespace lectern::engine
