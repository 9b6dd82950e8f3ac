#pragma once
// CTPN (Tian et al. 2016), trained by this project (training/): text lines as chains of narrow proposals.

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

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
  CtpnDecodeOptions decode;
};

/// White space that may part a line, with what its judge is told.
struct PageGap {
  Box box;  // page pixels
  std::array<float, kGapFeatures> features{};
};

class CtpnDetector final : public Detector {
 public:
  static Result<std::unique_ptr<CtpnDetector>> create(const CtpnOptions& options);
  ~CtpnDetector() override;
  Result<std::vector<TextRegion>> detect(const Image& page) const override { return detect(page, measureText(page)); }
  /// The same for a page that is measured already.
  Result<std::vector<TextRegion>> detect(const Image& page, const TextScale& text) const;
  /// All white space that was judged, for training the judge.
  Result<std::vector<PageGap>> gaps(const Image& page) const;
  std::vector<ModelUse> models() const override { return uses_; }

 private:
  /// Lines before they are cut, in padded pixels of the scaled page.
  struct Look {
    double scale = 1;
    std::vector<FoundLine> lines;
    Inks inks;
  };
  CtpnDetector(CtpnOptions options, std::unique_ptr<model::Session> session, std::unique_ptr<model::Session> judge,
               std::vector<ModelUse> uses, AnchorMap form);
  Result<Look> look(const Image& page, const TextScale& text) const;
  Result<Look> lookAt(const Image& page, const TextScale& text, double scale) const;
  Result<std::vector<float>> judge(std::span<const RowGap> gaps) const;
  Result<AnchorMap> anchorsOf(const std::vector<float>& input, int width, int height) const;

  CtpnOptions options_;
  std::unique_ptr<model::Session> session_;
  std::unique_ptr<model::Session> judge_;  // of white space
  std::vector<ModelUse> uses_;
  AnchorMap form_;  // strides and anchor heights, no values
};

}  // namespace lectern::reader
