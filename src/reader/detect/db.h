#pragma once
// PP-OCR's differentiable-binarisation detector (Liao et al. 2020): a network gives a probability map, its blobs are
// text.

#include <memory>
#include <string>

#include "reader/detect/detector.h"
#include "reader/detect/text_height.h"

namespace lectern::model {
class Session;
}

namespace lectern::reader {

struct DbOptions {
  std::string model = "ppocr-v4-det-mobile";
  double text_height = 18;  // px of a line in the network's input; other text is scaled to it
  double max_enlargement = 2;
  double max_megapixels = 1.5;  // of the input, while max_reduction allows
  double max_reduction = 2.5;   // a page is never reduced further than this: small print must stay readable
  float pixel_threshold = 0.3f;
  float box_threshold = 0.5f;
  float unclip_ratio = 1.25f;
};

class DbDetector final : public Detector {
 public:
  /// The model's file, without loading it.
  static Result<ModelUse> modelUse(const DbOptions& options);
  static Result<std::unique_ptr<DbDetector>> create(const DbOptions& options);
  ~DbDetector() override;
  Result<std::vector<TextRegion>> detect(const Image& page) const override { return detect(page, measureText(page)); }
  /// The same for a page that is measured already.
  Result<std::vector<TextRegion>> detect(const Image& page, const TextScale& text) const;
  std::vector<ModelUse> models() const override { return {use_}; }

 private:
  DbDetector(DbOptions options, std::unique_ptr<model::Session> session, ModelUse use);
  DbOptions options_;
  std::unique_ptr<model::Session> session_;
  ModelUse use_;
};

/// Text regions of a probability map of width × height (values 0..1), scaled to the page by scale_x and scale_y.
std::vector<TextRegion> regionsOfMap(const float* map, int width, int height, double scale_x, double scale_y,
                                     const DbOptions& options);

}  // namespace lectern::reader
