#pragma once
// CTPN (Tian et al. 2016), trained by this project (training/): text lines as chains of narrow proposals.

#include <memory>
#include <string>

#include "reader/detect/ctpn_decode.h"
#include "reader/detect/detector.h"
#include "reader/detect/gaps.h"
#include "reader/detect/text_height.h"

namespace lectern::model {
class Session;
}

namespace lectern::reader {

struct CtpnOptions {
  std::string model = "ctpn-small";
  double text_height = 0;            // the page is scaled so that its lines are this tall; 0: as the model says
  double max_enlargement = 3;        // a page is never enlarged further
  int64_t max_pixels = 24'000'000;   // of the scaled page
  int64_t strip_pixels = 3'000'000;  // that the network sees at once: bounds its memory on large pages
  // Where the network is undecided, 1.1 line heights part a line; from .6 to 1.6 as it is sure of one or the other.
  GapOptions cut{.least = 1.1, .most = 1.1, .doubt = 0.1};
  CtpnDecodeOptions decode;
};

class CtpnDetector final : public Detector {
 public:
  static Result<std::unique_ptr<CtpnDetector>> create(const CtpnOptions& options);
  ~CtpnDetector() override;
  Result<std::vector<TextRegion>> detect(const Image& page) const override { return detect(page, measureText(page)); }
  /// The same for a page that is measured already.
  Result<std::vector<TextRegion>> detect(const Image& page, const TextScale& text) const;
  std::vector<ModelUse> models() const override { return {use_}; }

 private:
  CtpnDetector(CtpnOptions options, std::unique_ptr<model::Session> session, ModelUse use, AnchorMap form);
  Result<std::vector<FoundLine>> linesAt(const Image& page, const TextScale& text, double scale) const;
  Result<AnchorMap> anchorsOf(const std::vector<float>& input, int width, int height) const;

  CtpnOptions options_;
  std::unique_ptr<model::Session> session_;
  ModelUse use_;
  AnchorMap form_;  // strides and anchor heights, no values
};

}  // namespace lectern::reader
