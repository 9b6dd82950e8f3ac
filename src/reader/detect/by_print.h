#pragma once
// The detector that suits a page's print: CTPN where letters are as large as it reads them, DB where they are smaller.
// docs/decisions/0011 has the measurement.

#include <memory>

#include "reader/detect/ctpn.h"
#include "reader/detect/db.h"

namespace lectern::reader {

class DetectorByPrint final : public Detector {
 public:
  static Result<std::unique_ptr<DetectorByPrint>> create();
  Result<std::vector<TextRegion>> detect(const Image& page) const override;
  std::vector<ModelUse> models() const override;

 private:
  DetectorByPrint(std::unique_ptr<CtpnDetector> ctpn, std::unique_ptr<DbDetector> db);
  const std::unique_ptr<CtpnDetector> ctpn_;
  const std::unique_ptr<DbDetector> db_;
};

}  // namespace lectern::reader
