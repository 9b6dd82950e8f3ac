#include "reader/detect/by_print.h"

namespace lectern::reader {

namespace {
// Page pixels of a line as measureText estimates it before anything is found; not comparable with the height of a found
// region, by which recognisers choose. CTPN reads lines of 16 px: it loses to DB where a page has to be enlarged for that.
constexpr double kLeastEstimateForCtpn = 14;
}  // namespace

DetectorByPrint::DetectorByPrint(std::unique_ptr<CtpnDetector> ctpn, ModelUse db_use)
    : ctpn_(std::move(ctpn)), db_use_(std::move(db_use)) {}

Result<std::unique_ptr<DetectorByPrint>> DetectorByPrint::create(bool both) {
  TRY(auto ctpn, CtpnDetector::create({}));
  TRY(ModelUse use, DbDetector::modelUse({}));
  use.role = "detector_small_print";
  auto made = std::unique_ptr<DetectorByPrint>(new DetectorByPrint(std::move(ctpn), std::move(use)));
  if (both) TRY_VOID(made->db());
  return made;
}

Result<const DbDetector*> DetectorByPrint::db() const {
  std::call_once(db_once_, [this] {
    if (auto made = DbDetector::create({}); made) {
      db_ = std::move(*made);
    } else {
      db_error_ = made.error();
    }
  });
  if (db_ == nullptr) return Failure(db_error_);
  return db_.get();
}

Result<std::vector<TextRegion>> DetectorByPrint::detect(const Image& page) const {
  const TextScale text = measureText(page);
  if (text.line_height <= 0 || text.line_height >= kLeastEstimateForCtpn) return ctpn_->detect(page, text);
  TRY(const DbDetector* found, db());
  return found->detect(page, text);
}

std::vector<ModelUse> DetectorByPrint::models() const {
  auto out = ctpn_->models();
  out.push_back(db_use_);
  return out;
}

}  // namespace lectern::reader
