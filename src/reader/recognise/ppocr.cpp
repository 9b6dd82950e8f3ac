#include "reader/recognise/ppocr.h"

#include <algorithm>
#include <charconv>
#include <future>
#include <numeric>

#include "model/files.h"
#include "model/session.h"
#include "reader/recognise/crop.h"
#include "reader/recognise/ctc.h"
#include "reader/recognise/workers.h"

namespace lectern::reader {

namespace {
constexpr int kHeight = 48;
constexpr int kWidthStep = 8;  // widths are rounded up, so that lines of similar length share a batch
constexpr int kMaxWidth = 2560;
constexpr double kLetter = 16;  // width of a usual letter in a crop that keeps the page's proportions
}  // namespace

struct PpocrRecognizer::Job {
  size_t index;
  Crop crop;
};

struct PpocrRecognizer::Network {
  std::unique_ptr<model::Session> session;
  std::vector<std::string> alphabet;
  double stretch = 1;  // the width of its letters compared with the page's
  ModelUse use;
};

namespace {
std::vector<std::string> linesOf(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    if (lines.back().ends_with('\r')) lines.back().pop_back();
    at = end + 1;
  }
  return lines;
}

std::vector<size_t> everyIndex(size_t count) {
  std::vector<size_t> indices(count);
  std::iota(indices.begin(), indices.end(), size_t{0});
  return indices;
}
}  // namespace

PpocrRecognizer::~PpocrRecognizer() = default;

/// A network's characters and the stretch it was trained for stand in its metadata, one a line and a number.
Result<std::unique_ptr<PpocrRecognizer::Network>> PpocrRecognizer::load(const std::string& model, const char* role) {
  auto made = std::make_unique<Network>();
  TRY(const auto file, model::findModel(model));
  TRY(std::string digest, model::modelSha256(file.path));
  TRY(made->session, model::Session::load(file.path, {}));
  made->use = {role, file.name, std::move(digest)};
  made->alphabet = linesOf(made->session->metadata("character"));
  if (made->alphabet.empty()) return fail(Code::kCorrupt, file.name + " has no alphabet");
  if (const std::string stretch = made->session->metadata("stretch"); !stretch.empty()) {
    const char* end = stretch.data() + stretch.size();
    if (std::from_chars(stretch.data(), end, made->stretch).ptr != end || made->stretch < 0.25 || made->stretch > 4) {
      return fail(Code::kCorrupt, file.name + " has a stretch that is no number from 0.25 to 4");
    }
  }
  return made;
}

Result<std::unique_ptr<PpocrRecognizer>> PpocrRecognizer::create(const PpocrOptions& options) {
  auto made = std::unique_ptr<PpocrRecognizer>(new PpocrRecognizer);
  made->options_ = options;
  // The second one, which is large, loads beside the first.
  std::future<Result<std::unique_ptr<Network>>> second;
  if (!options.second_model.empty()) {
    second = std::async(std::launch::async, load, options.second_model, "second_recognizer");
  }
  TRY(auto first, load(options.model, "recognizer"));
  made->networks_.push_back(std::move(first));
  if (second.valid()) {
    TRY(auto loaded, second.get());
    made->networks_.push_back(std::move(loaded));
  }
  return made;
}

std::vector<ModelUse> PpocrRecognizer::models() const {
  std::vector<ModelUse> uses;
  for (const auto& network : networks_) uses.push_back(network->use);
  return uses;
}

Result<void> PpocrRecognizer::readBatch(const Network& network, std::span<Job> jobs,
                                        std::vector<RecognisedLine>& lines,
                                        std::span<const TextRegion> regions) const {
  int width = kWidthStep;
  for (const Job& job : jobs) width = std::max(width, job.crop.pixels.cols);
  width = (width + kWidthStep - 1) / kWidthStep * kWidthStep;
  const size_t plane = static_cast<size_t>(kHeight) * static_cast<size_t>(width);
  std::vector<float> input(jobs.size() * 3 * plane, 0.0f);
  for (size_t j = 0; j < jobs.size(); ++j) {
    const cv::Mat& pixels = jobs[j].crop.pixels;
    for (size_t c = 0; c < 3; ++c) {
      cv::Mat channel(kHeight, width, CV_32F, input.data() + (j * 3 + c) * plane);
      pixels.convertTo(channel(cv::Rect(0, 0, pixels.cols, kHeight)), CV_32F, 1 / 127.5, -1.0);
    }
  }
  const std::vector<int64_t> shape = {static_cast<int64_t>(jobs.size()), 3, kHeight, width};
  TRY(const model::TensorView out, network.session->runInPlace(input, shape));
  if (out.shape.size() != 3 || out.shape[0] != shape[0] || out.data.empty()) {
    return fail(Code::kCorrupt, "unexpected recogniser output");
  }
  const int steps = static_cast<int>(out.shape[1]), classes = static_cast<int>(out.shape[2]);
  const double pixels_a_step = static_cast<double>(width) / steps;
  const double reach = kLetter / 2 * network.stretch / pixels_a_step;
  const size_t size = static_cast<size_t>(steps) * static_cast<size_t>(classes);
  for (size_t j = 0; j < jobs.size(); ++j) {
    RecognisedLine& line = lines[jobs[j].index];
    line = {};
    double weighted = 0, characters = 0;
    for (auto& w : decodeCtc(std::span(out.data).subspan(j * size, size), steps, classes, network.alphabet,
                             reach)) {
      const cv::Rect2d place(w.start * pixels_a_step, 0, (w.end - w.start) * pixels_a_step, kHeight);
      RecognisedWord word{std::move(w.text), toPage(jobs[j].crop, place, 0, regions[jobs[j].index].box), w.confidence};
      weighted += word.confidence * static_cast<double>(word.text.size());
      characters += static_cast<double>(word.text.size());
      line.words.push_back(std::move(word));
    }
    if (characters > 0) line.confidence = static_cast<float>(weighted / characters);
  }
  return {};
}

Result<void> PpocrRecognizer::readAll(const Network& network, std::span<Job> jobs, std::vector<RecognisedLine>& lines,
                                      std::span<const TextRegion> regions, Slots* spare) const {
  std::vector<std::span<Job>> batches;
  for (size_t at = 0; at < jobs.size();) {
    size_t end = at + 1;
    while (end < jobs.size() && end - at < static_cast<size_t>(options_.batch) &&
           jobs[end].crop.pixels.cols <= jobs[at].crop.pixels.cols + kWidthStep) {
      ++end;
    }
    batches.push_back(jobs.subspan(at, end - at));
    at = end;
  }
  // The longest lines first: whoever comes last has little left to do.
  std::reverse(batches.begin(), batches.end());
  std::vector<Result<void>> done(batches.size());
  forEachIndex(static_cast<int>(batches.size()), spare, [&](int index) {
    const auto i = static_cast<size_t>(index);
    done[i] = readBatch(network, batches[i], lines, regions);
  });
  for (auto& result : done) TRY_VOID(std::move(result));
  return {};
}

std::vector<PpocrRecognizer::Job> PpocrRecognizer::cut(const Network& network, const Image& page,
                                                       std::span<const TextRegion> regions,
                                                       std::span<const size_t> which) const {
  std::vector<Job> jobs;
  const CropOptions options = {
      .height = kHeight, .max_width = kMaxWidth, .shrink = -options_.grow, .stretch = network.stretch};
  for (const size_t i : which) {
    Crop crop = cropRegion(page, regions[i], options);
    if (!crop.pixels.empty()) jobs.push_back({i, std::move(crop)});
  }
  // Similar widths together: padding is computed for nothing.
  std::stable_sort(jobs.begin(), jobs.end(),
                   [](const Job& a, const Job& b) { return a.crop.pixels.cols < b.crop.pixels.cols; });
  return jobs;
}

Result<std::vector<RecognisedLine>> PpocrRecognizer::glance(const Image& page,
                                                            std::span<const TextRegion> regions) const {
  std::vector<RecognisedLine> lines(regions.size());
  std::vector<Job> jobs = cut(*networks_.front(), page, regions, everyIndex(regions.size()));
  TRY_VOID(readAll(*networks_.front(), jobs, lines, regions, nullptr));
  return lines;
}

Result<std::vector<RecognisedLine>> PpocrRecognizer::recognise(const Image& page, std::span<const TextRegion> regions,
                                                               const KnownLines& known, Slots* spare) const {
  std::vector<RecognisedLine> lines(regions.size());
  std::vector<Job> jobs = cut(*networks_.front(), page, regions, everyIndex(regions.size()));
  const auto is_small = [&](const Job& job) {
    return networks_.size() > 1 && kHeight / job.crop.scale < options_.least_height_for_first * (1 + 2 * options_.grow);
  };
  const auto is_known = [&](const Job& job) { return known.contains(job.index); };
  for (const auto& [index, line] : known) lines[index] = line;
  const auto small = std::stable_partition(jobs.begin(), jobs.end(), [&](const Job& job) { return !is_small(job); });
  const auto to_read = std::stable_partition(jobs.begin(), small, [&](const Job& job) { return is_known(job); });
  TRY_VOID(readAll(*networks_.front(), std::span(to_read, small), lines, regions, spare));
  if (networks_.size() > 1) {
    std::vector<size_t> again;
    for (auto job = jobs.begin(); job != jobs.end(); ++job) {
      if (job >= small || lines[job->index].confidence < options_.sure) again.push_back(job->index);
    }
    std::vector<Job> unsure = cut(*networks_.back(), page, regions, again);
    TRY_VOID(readAll(*networks_.back(), unsure, lines, regions, spare));
  }
  for (RecognisedLine& line : lines) {
    if (line.confidence < options_.readable) line = {};
  }
  return lines;
}

}  // namespace lectern::reader
