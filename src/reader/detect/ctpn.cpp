#include "reader/detect/ctpn.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <opencv2/imgproc.hpp>

#include "model/files.h"
#include "model/session.h"

namespace lectern::reader {

namespace {

constexpr int kPad = 16;      // around the page: text at its very edge is found too
constexpr int kAlign = 32;    // sides of the network's input
constexpr int kContext = 128;  // rows above and below a strip that the network sees but does not answer for
// A second look at another scale when the first shows that the text's height was guessed wrong by more than this.
constexpr double kWrongScale = 1.5;
constexpr size_t kLinesToJudge = 4;
constexpr const char* kJudge = "ctpn-gaps";
constexpr double kTextHeight = 25;  // for models that do not say which they were trained for
// How the networks were trained to see grey.
constexpr double kMean = 190;
constexpr double kDeviation = 60;

int alignedUp(int side) { return (side + kAlign - 1) / kAlign * kAlign; }

double medianHeight(std::vector<FoundLine> lines) {
  const auto middle = lines.begin() + static_cast<std::ptrdiff_t>(lines.size() / 2);
  std::nth_element(lines.begin(), middle, lines.end(),
                   [](const auto& a, const auto& b) { return a.height < b.height; });
  return middle->height;
}

}  // namespace

CtpnDetector::CtpnDetector(CtpnOptions options, std::unique_ptr<model::Session> session,
                           std::unique_ptr<model::Session> judge, std::vector<ModelUse> uses, AnchorMap form)
    : options_(std::move(options)),
      session_(std::move(session)),
      judge_(std::move(judge)),
      uses_(std::move(uses)),
      form_(std::move(form)) {}
CtpnDetector::~CtpnDetector() = default;

Result<std::unique_ptr<CtpnDetector>> CtpnDetector::create(const CtpnOptions& options) {
  TRY(const auto file, model::findModel(options.model));
  TRY(std::string digest, model::modelSha256(file.path));
  TRY(auto session, model::Session::load(file.path, {}));
  TRY(const auto judge_file, model::findModel(kJudge));
  TRY(std::string judge_digest, model::modelSha256(judge_file.path));
  TRY(auto judge, model::Session::load(judge_file.path, {}));
  AnchorMap form;
  TRY(form.heights, parseAnchorHeights(session->metadata("anchor_heights")));
  form.row_stride = std::atoi(session->metadata("row_stride").c_str());
  form.column = std::atoi(session->metadata("column").c_str());
  for (const int stride : {form.row_stride, form.column}) {
    if (stride < 1 || kAlign % stride != 0 || kContext % stride != 0) {
      return fail(Code::kCorrupt, file.path.string() + " is no CTPN of Lectern's: its metadata names no strides");
    }
  }
  CtpnOptions chosen = options;
  if (!(chosen.text_height > 0)) chosen.text_height = std::atof(session->metadata("text_height").c_str());
  if (!(chosen.text_height > 0)) chosen.text_height = kTextHeight;
  std::vector<ModelUse> uses = {{"detector", file.name, std::move(digest)},
                                {"detector_gaps", judge_file.name, std::move(judge_digest)}};
  return std::unique_ptr<CtpnDetector>(
      new CtpnDetector(std::move(chosen), std::move(session), std::move(judge), std::move(uses), std::move(form)));
}

Result<AnchorMap> CtpnDetector::anchorsOf(const std::vector<float>& input, int width, int height) const {
  AnchorMap map = form_;
  map.rows = height / map.row_stride;
  map.columns = width / map.column;
  const size_t planes = 4 * map.anchors();
  const size_t w = static_cast<size_t>(width);
  const size_t out_w = static_cast<size_t>(map.columns);
  map.values.resize(planes * static_cast<size_t>(map.rows) * out_w);
  const int64_t rows_at_once = std::max<int64_t>(options_.strip_pixels / width, 4 * kContext);
  const int strip = height <= rows_at_once ? height : static_cast<int>(rows_at_once) / kAlign * kAlign - 2 * kContext;
  for (int y = 0; y < height; y += strip) {
    const int end = std::min(height, y + strip);
    const int from = std::max(0, y - kContext);
    const int to = std::min(height, end + kContext);
    const int64_t shape[] = {1, 1, to - from, width};
    const std::span<const float> part(input.data() + static_cast<size_t>(from) * w, static_cast<size_t>(to - from) * w);
    TRY(const model::TensorView out, session_->runInPlace(part, shape));
    const int64_t rows = (to - from) / map.row_stride;
    if (out.shape != std::vector<int64_t>{1, static_cast<int64_t>(planes), rows, map.columns}) {
      return fail(Code::kCorrupt, "the detection model gives anchors of another form than its metadata says");
    }
    const size_t skip = static_cast<size_t>((y - from) / map.row_stride);
    const size_t keep = static_cast<size_t>((end - y) / map.row_stride);
    for (size_t p = 0; p < planes; ++p) {
      const float* source = out.data.data() + (p * static_cast<size_t>(rows) + skip) * out_w;
      float* target = map.values.data() +
                      (p * static_cast<size_t>(map.rows) + static_cast<size_t>(y / map.row_stride)) * out_w;
      std::memcpy(target, source, keep * out_w * sizeof(float));
    }
  }
  return map;
}

Result<CtpnDetector::Look> CtpnDetector::lookAt(const Image& page, const TextScale& text, double scale) const {
  const int w = std::max(1, static_cast<int>(std::lround(page.width * scale)));
  const int h = std::max(1, static_cast<int>(std::lround(page.height * scale)));
  const cv::Mat grey(page.height, page.width, CV_8U, const_cast<uint8_t*>(page.pixels.data()));
  cv::Mat scaled;
  cv::resize(grey, scaled, cv::Size(w, h), 0, 0, scale < 1 ? cv::INTER_AREA : cv::INTER_LINEAR);
  const int width = alignedUp(w + 2 * kPad);
  const int height = alignedUp(h + 2 * kPad);
  const double ground = (text.ground - kMean) / kDeviation;
  std::vector<float> input(static_cast<size_t>(width) * static_cast<size_t>(height), static_cast<float>(ground));
  cv::Mat whole(height, width, CV_32F, input.data());
  cv::Mat inner = whole(cv::Rect(kPad, kPad, w, h));
  const double sign = text.dark_ground ? -1 : 1;
  const double offset = text.dark_ground ? 255 - kMean : -kMean;
  scaled.convertTo(inner, CV_32F, sign / kDeviation, offset / kDeviation);
  TRY(const AnchorMap map, anchorsOf(input, width, height));
  Look look{scale, linesOfAnchors(map, options_.decode), {}};
  // Lines stand in padded pixels, the scaled page does not.
  look.inks = inksOf(scaled, look.lines, -kPad);
  return look;
}

Result<CtpnDetector::Look> CtpnDetector::look(const Image& page, const TextScale& text) const {
  const double area = static_cast<double>(page.width) * page.height;
  const double largest =
      std::min(options_.max_enlargement, std::sqrt(static_cast<double>(options_.max_pixels) / area));
  const auto bounded = [&](double scale) { return std::clamp(scale, std::min(0.05, largest), largest); };
  // A page without measurable letters is looked at as it is.
  const double scale = bounded(text.line_height > 0 ? options_.text_height / text.line_height : 1);
  TRY(Look first, lookAt(page, text, scale));
  if (first.lines.size() < kLinesToJudge) return first;
  const double better = bounded(scale * options_.text_height / medianHeight(first.lines));
  if (std::max(better / scale, scale / better) <= kWrongScale) return first;
  return lookAt(page, text, better);
}

Result<std::vector<float>> CtpnDetector::judge(std::span<const RowGap> gaps) const {
  if (gaps.empty()) return std::vector<float>{};
  std::vector<float> features;
  for (const auto& gap : gaps) features.insert(features.end(), gap.features.begin(), gap.features.end());
  const int64_t shape[] = {static_cast<int64_t>(gaps.size()), static_cast<int64_t>(kGapFeatures)};
  TRY(model::Tensor out, judge_->run(features, shape));
  return std::move(out.data);
}

Result<std::vector<PageGap>> CtpnDetector::gaps(const Image& page) const {
  std::vector<PageGap> out;
  TRY(const Look seen, look(page, measureText(page)));
  const auto& pieces = seen.inks.pieces;
  const auto on_page = [&](double v) { return static_cast<int>(std::lround((v - kPad) / seen.scale)); };
  for (const auto& gap : seen.inks.gaps) {
    const Piece& a = pieces[gap.left];
    const Piece& b = pieces[gap.right];
    const double y = (a.middle + b.middle) / 2, h = (a.height + b.height) / 2;
    out.push_back({{on_page(a.x1), on_page(y - h / 2), on_page(b.x0), on_page(y + h / 2)}, gap.features});
  }
  return out;
}

Result<std::vector<TextRegion>> CtpnDetector::detect(const Image& page, const TextScale& text) const {
  std::vector<TextRegion> regions;
  if (page.width < 4 || page.height < 4) return regions;
  TRY(const Look seen, look(page, text));
  TRY(const auto lines, cutAtGaps(seen.lines, seen.inks, [this](auto gaps) { return judge(gaps); }));
  const double scale = seen.scale;
  for (const auto& line : lines) {
    TextRegion region;
    region.score = line.score;
    region.quad = line.quad;
    for (auto& p : region.quad) {
      p.x = static_cast<float>(std::clamp((p.x - kPad) / scale, 0.0, static_cast<double>(page.width)));
      p.y = static_cast<float>(std::clamp((p.y - kPad) / scale, 0.0, static_cast<double>(page.height)));
    }
    region.box = boundsOf(region.quad);
    if (!region.box.empty()) regions.push_back(region);
  }
  sortRegions(regions);
  return regions;
}

}  // namespace lectern::reader
