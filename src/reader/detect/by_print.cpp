#include "reader/detect/by_print.h"

namespace lectern::reader {

namespace {
// Page pixels of a line. CTPN reads lines of 16 px: it loses to DB where a page has to be enlarged for that.
constexpr double kSmallPrint = 14;
}  // namespace

DetectorByPrint::DetectorByPrint(std::unique_ptr<CtpnDetector> ctpn, std::unique_ptr<DbDetector> db)
    : ctpn_(std::move(ctpn)), db_(std::move(db)) {}

Result<std::unique_ptr<DetectorByPrint>> DetectorByPrint::create() {
  CtpnOptions options;
  TRY(auto ctpn, CtpnDetector::create(options));
  TRY(auto db, DbDetector::create({}));
  return std::unique_ptr<DetectorByPrint>(new DetectorByPrint(std::move(ctpn), std::move(db)));
}

Result<std::vector<TextRegion>> DetectorByPrint::detect(const Image& page) const {
  const TextScale text = measureText(page);
  const bool small = text.line_height > 0 && text.line_height < kSmallPrint;
  return small ? db_->detect(page, text) : ctpn_->detect(page, text);
}

std::vector<ModelUse> DetectorByPrint::models() const {
  auto out = ctpn_->models();
  for (auto& use : db_->models()) out.push_back({"detector_small_print", use.name, use.sha256});
  return out;
}

}  // namespace lectern::reader
