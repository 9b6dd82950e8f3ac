// Runs one detector over images and prints a JSON line a page ({"image", "lines":[{"text":"","box"}], "ms"}), which
// detection scorers read; the mean CPU time a page goes to standard error.
//
//   detect_bench MODEL[,key=value...] IMAGE...      MODEL: ppocr-..., ctpn-small, ctpn-vgg16
//   keys for CTPN: score, line, single, gap, overlap, similar, height, largest; gaps=1 prints the white space that was
//   judged ({"image", "gaps":[{"box", "features"}]}) instead of lines, for training/gap_judge.py
//   keys for DB: pixel, box, unclip, height, megapixels

#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>

#include "reader/detect/ctpn.h"
#include "reader/detect/db.h"
#include "reader/image/decode.h"

namespace lectern::reader {
namespace {

double cpuMillis() { return 1000.0 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

Result<std::unique_ptr<Detector>> makeDetector(const std::string& spec) {
  std::istringstream parts(spec);
  std::string model, part;
  std::getline(parts, model, ',');
  std::map<std::string, double> keys;
  while (std::getline(parts, part, ',')) {
    const size_t at = part.find('=');
    if (at != std::string::npos) keys[part.substr(0, at)] = std::atof(part.c_str() + at + 1);
  }
  const auto set = [&](const char* key, auto& value) {
    if (keys.contains(key)) value = static_cast<std::remove_reference_t<decltype(value)>>(keys[key]);
  };
  if (!model.starts_with("ctpn")) {
    DbOptions o;
    o.model = model;
    set("pixel", o.pixel_threshold);
    set("box", o.box_threshold);
    set("unclip", o.unclip_ratio);
    set("height", o.text_height);
    set("megapixels", o.max_megapixels);
    TRY(auto db, DbDetector::create(o));
    return std::unique_ptr<Detector>(std::move(db));
  }
  CtpnOptions o;
  o.model = model;
  set("score", o.decode.score_min);
  set("line", o.decode.line_score_min);
  set("single", o.decode.single_score_min);
  set("gap", o.decode.gap);
  set("overlap", o.decode.overlap_min);
  set("similar", o.decode.similarity_min);
  set("height", o.text_height);
  set("largest", o.max_enlargement);
  TRY(auto ctpn, CtpnDetector::create(o));
  return std::unique_ptr<Detector>(std::move(ctpn));
}

/// Prints a page's judged white space.
Result<void> printGaps(const Detector& detector, const Image& image, const std::string& name) {
  const auto* ctpn = dynamic_cast<const CtpnDetector*>(&detector);
  if (ctpn == nullptr) return fail(Code::kInvalid, "gaps=1 needs a CTPN");
  TRY(const auto found, ctpn->gaps(image));
  boost::json::array gaps;
  const double s = image.source_scale;
  for (const auto& gap : found) {
    boost::json::array features(gap.features.begin(), gap.features.end());
    boost::json::array box = {gap.box.x0 * s, gap.box.y0 * s, gap.box.x1 * s, gap.box.y1 * s};
    gaps.push_back(boost::json::object{{"box", std::move(box)}, {"features", std::move(features)}});
  }
  const boost::json::object page = {{"image", name}, {"gaps", std::move(gaps)}};
  std::printf("%s\n", boost::json::serialize(page).c_str());
  return {};
}

int run(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: detect_bench MODEL[,key=value...] IMAGE...\n");
    return 2;
  }
  auto detector = makeDetector(argv[1]);
  if (!detector) {
    std::fprintf(stderr, "%s\n", detector.error().message.c_str());
    return 1;
  }
  double total = 0;
  for (int i = 2; i < argc; ++i) {
    auto file = ImageFile::open(argv[i]);
    auto image = file ? (*file)->page(1) : Result<Image>(Failure(file.error()));
    if (!image) {
      std::fprintf(stderr, "%s: %s\n", argv[i], image.error().message.c_str());
      continue;
    }
    const std::string name = std::filesystem::path(argv[i]).filename().string();
    if (std::string(argv[1]).find(",gaps=1") != std::string::npos) {
      if (auto done = printGaps(**detector, *image, name); !done) {
        std::fprintf(stderr, "%s: %s\n", argv[i], done.error().message.c_str());
        return 1;
      }
      continue;
    }
    const double first = cpuMillis();
    const double text_height = measureText(*image).line_height;
    const double start = cpuMillis();
    auto regions = (*detector)->detect(*image);
    const double took = cpuMillis() - start;
    total += took;
    if (!regions) {
      std::fprintf(stderr, "%s: %s\n", argv[i], regions.error().message.c_str());
      continue;
    }
    boost::json::array lines;
    for (const auto& r : *regions) {
      const boost::json::array box = {r.box.x0 * image->source_scale, r.box.y0 * image->source_scale,
                                      r.box.x1 * image->source_scale, r.box.y1 * image->source_scale};
      lines.push_back(boost::json::object{{"text", ""}, {"box", box}, {"score", r.score}});
    }
    const boost::json::object page = {{"image", name},
                                      {"text_height", text_height},
                                      {"measure_ms", start - first},
                                      {"ms", took},
                                      {"lines", std::move(lines)}};
    // Flushed line by line: with both outputs in one file, what goes to standard error stands between lines, never in one.
    std::printf("%s\n", boost::json::serialize(page).c_str());
    std::fflush(stdout);
  }
  std::fprintf(stderr, "%.1f CPU ms a page\n", total / (argc - 2));
  return 0;
}

}  // namespace
}  // namespace lectern::reader

int main(int argc, char** argv) { return lectern::reader::run(argc, argv); }
