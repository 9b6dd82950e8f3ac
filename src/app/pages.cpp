#include "app/pages.h"

#include <algorithm>

namespace lectern::app {

namespace fs = std::filesystem;

Result<fs::path> functionBundle(const std::string& name) {
  std::error_code ec;
  const fs::path self = fs::read_symlink("/proc/self/exe", ec);
  for (const fs::path& folder :
       {self.parent_path() / "functions", self.parent_path().parent_path() / "lib" / "lectern"}) {
    if (fs::exists(folder / name / "bootstrap", ec)) return folder / name;
  }
  return fail(Code::kNotFound,
              "the function bundle '" + name + "' is not beside the program; build it with ./dev build");
}

namespace {
/// The platform's own errors in the user's words; empty for those of our functions.
Error platformError(const std::string& type, const std::string& message, const std::string& log) {
  if (type == "Sandbox.Timedout") {
    const size_t after = message.rfind(" after ");
    return {Code::kTimeout, "the function gave no answer" + (after == std::string::npos ? "" : message.substr(after)) +
                                "; it was stopped (--page-timeout gives it longer)"};
  }
  if (log.find("Runtime.OutOfMemory") != std::string::npos)
    return {Code::kTooLarge, "it needs more memory than the function has; give it more with --memory MB"};
  if (type.starts_with("Runtime.")) {
    const size_t after = message.find(" Error: ");
    return {Code::kInvalid,
            "the function failed: " + (after == std::string::npos ? message : message.substr(after + 8))};
  }
  return {};
}
}  // namespace

Error functionError(const std::string& payload, const std::string& log) {
  const auto value = parseJson(payload);
  if (!value || !value->is_object()) return {Code::kInternal, "the function gave no answer that can be read"};
  const auto& o = value->get_object();
  const std::string type = stringOr(o, "errorType", "");
  const std::string message = stringOr(o, "errorMessage", stringOr(o, "Message", stringOr(o, "message", payload)));
  if (Error own = platformError(type, message, log); !own.message.empty()) return own;
  const Code code = type == "Image.Unreadable" || type == "Pdf.Unreadable" ? Code::kCorrupt
                    : type == "Output.Failed"                              ? Code::kNoSpace
                                                                           : Code::kInvalid;
  // The types of our own functions add nothing to their messages; the platform's do.
  const bool own = type.starts_with("Image.") || type.starts_with("Pdf.") || type.starts_with("Reader.") ||
                   type.starts_with("Request.") || type.starts_with("Output.");
  return {code, own || type.empty() ? message : type + ": " + message};
}

Result<Rendered> renderedFromJson(const std::string& text) {
  TRY(const auto value, parseJson(text));
  if (!value.is_object()) return fail(Code::kCorrupt, "the pdf function gave no object");
  const auto& o = value.get_object();
  if (o.contains("errorType")) return Failure(functionError(text));
  Rendered out;
  out.pages = static_cast<int>(intOr(o, "pages", 0));
  const auto* list = o.if_contains("rendered");
  if (list == nullptr || !list->is_array()) return fail(Code::kCorrupt, "the pdf function named no pages");
  for (const auto& v : list->get_array()) {
    if (!v.is_object()) continue;
    const auto& p = v.get_object();
    out.rendered.push_back({static_cast<int>(intOr(p, "page", 0)), stringOr(p, "image", ""), stringOr(p, "text", ""),
                            static_cast<int>(intOr(p, "dpi", 0))});
  }
  return out;
}

void addMeasurements(const json::object& answer, reader::Document& document) {
  if (const auto* timings = answer.if_contains("timings"); timings != nullptr && timings->is_object()) {
    for (const auto& [stage, millis] : timings->get_object()) {
      json::error_code ec;
      if (millis.is_number()) document.timings.push_back({stage, millis.to_number<double>(ec)});
    }
  }
  const auto* models = answer.if_contains("models");
  if (!document.models.empty() || models == nullptr || !models->is_object()) return;
  for (const auto& [role, m] : models->get_object()) {
    if (!m.is_object()) continue;
    document.models.push_back({role, stringOr(m.get_object(), "name", ""), stringOr(m.get_object(), "sha256", "")});
  }
}

}  // namespace lectern::app
