#pragma once
// The detector that suits a page's print: CTPN where letters are as large as it reads them, DB where they are smaller.
// docs/decisions/0011 has the measurement.

#include <memory>
#include <mutex>

#include "reader/detect/ctpn.h"
#include "reader/detect/db.h"

namespace lectern::reader {

class DetectorByPrint final : public Detector {
 public:
  /// `both`: loads DB's network now; otherwise the first page of small print waits for it.
  static Result<std::unique_ptr<DetectorByPrint>> create(bool both);
  Result<std::vector<TextRegion>> detect(const Image& page) const override;
  std::vector<ModelUse> models() const override;

 private:
  DetectorByPrint(std::unique_ptr<CtpnDetector> ctpn, ModelUse db_use);
  Result<const DbDetector*> db() const;

  const std::unique_ptr<CtpnDetector> ctpn_;
  const ModelUse db_use_;
  mutable std::once_flag db_once_;
  mutable std::unique_ptr<DbDetector> db_;
  mutable Error db_error_;
};

}  // namespace lectern::reader
