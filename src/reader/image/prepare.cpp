#include "reader/image/prepare.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "reader/image/image_of.h"

namespace lectern::reader {

namespace {

constexpr double kLookPixels = 0.5e6;
constexpr int kDarkGround = 96;
constexpr int kMinLetters = 12;  // fewer say nothing about a page's direction
// Pages that lie straighter are read as well as they are: lines are cut along their own slope, and rows hold together.
constexpr double kMinSkew = 1.5;
constexpr double kMaxSkew = 12;
constexpr int kSpeckDepth = 80;
// Clean pages of all kinds have up to 0.0026.
constexpr double kManySpecks = 0.003;
// Where specks stand close, the first pass frees the ground for the second one.
constexpr int kSpeckPasses = 2;
constexpr int kStrips = 48;
// A slope is believed when its profile of ink is sharper than that of a straight page by this factor.
constexpr double kSkewFactor = 1.1;

cv::Mat matOf(const Image& page) {
  return cv::Mat(page.height, page.width, CV_8U, const_cast<uint8_t*>(page.pixels.data()));
}

int percentile(const cv::Mat& grey, const cv::Mat& mask, double share) {
  std::array<int64_t, 256> counts{};
  int64_t total = 0;
  for (int y = 0; y < grey.rows; ++y) {
    const uint8_t* row = grey.ptr(y);
    const uint8_t* on = mask.empty() ? nullptr : mask.ptr(y);
    for (int x = 0; x < grey.cols; ++x) {
      if (on != nullptr && on[x] == 0) continue;
      ++counts[row[x]];
      ++total;
    }
  }
  int64_t sum = 0;
  for (int v = 0; v < 256; ++v) {
    sum += counts[static_cast<size_t>(v)];
    if (static_cast<double>(sum) >= share * static_cast<double>(total)) return v;
  }
  return 255;
}

struct Letters {
  cv::Mat ink;       // 1 where a component lies that may be a letter
  int count = 0;
  int size = 0;      // the longer side of their median
};

Letters lettersOf(const cv::Mat& grey) {
  Letters letters;
  cv::Mat &ink = letters.ink, labels, stats, centres;
  const int window = std::clamp(std::min(grey.cols, grey.rows) / 20, 15, 41) | 1;
  cv::adaptiveThreshold(grey, ink, 255, cv::ADAPTIVE_THRESH_MEAN_C, cv::THRESH_BINARY_INV, window, 15);
  const int count = cv::connectedComponentsWithStats(ink, labels, stats, centres, 8, CV_32S);
  std::vector<uint8_t> keep(static_cast<size_t>(count), 0);
  const int most = std::max(12, std::min(grey.rows, grey.cols) / 8);
  std::vector<int> sizes;
  for (int i = 1; i < count; ++i) {
    const int* s = stats.ptr<int>(i);
    const int w = s[cv::CC_STAT_WIDTH], h = s[cv::CC_STAT_HEIGHT];
    // The page may lie on its side: what is no letter is judged without a direction. Touching letters make long pieces.
    if (std::max(w, h) < 4 || std::min(w, h) > most || std::max(w, h) > 12 * std::min(w, h)) continue;
    if (s[cv::CC_STAT_AREA] < 0.12 * w * h || s[cv::CC_STAT_AREA] < 6) continue;
    keep[static_cast<size_t>(i)] = 1;
    sizes.push_back(std::max(w, h));
  }
  for (int y = 0; y < labels.rows; ++y) {
    const int* from = labels.ptr<int>(y);
    uint8_t* to = ink.ptr(y);
    for (int x = 0; x < labels.cols; ++x) to[x] = keep[static_cast<size_t>(from[x])];
  }
  letters.count = static_cast<int>(sizes.size());
  if (!sizes.empty()) {
    std::nth_element(sizes.begin(), sizes.begin() + letters.count / 2, sizes.end());
    letters.size = sizes[sizes.size() / 2];
  }
  return letters;
}

/// Ink a row, in upright strips side by side: shifted against each other they give the profile along any slope.
struct Strips {
  std::vector<cv::Mat> sums;  // rows × 1, int
  std::vector<double> centres;
  int rows = 0;
  int columns = 0;

  explicit Strips(const cv::Mat& ink) : rows(ink.rows), columns(ink.cols) {
    const int width = std::max(4, (ink.cols + kStrips - 1) / kStrips);
    for (int x = 0; x < ink.cols; x += width) {
      const int w = std::min(width, ink.cols - x);
      cv::Mat sum;
      cv::reduce(ink(cv::Rect(x, 0, w, rows)), sum, 1, cv::REDUCE_SUM, CV_32S);
      sums.push_back(sum);
      centres.push_back(x + w / 2.0 - ink.cols / 2.0);
    }
  }

  /// How sharply rows of ink and of paper change along lines that fall by `degrees`: the squared differences of
  /// neighbouring rows, which grow as the rows of text come to lie on rows of the profile.
  double sharpness(double degrees) const {
    const double slope = std::tan(degrees * CV_PI / 180);
    const int margin = static_cast<int>(std::abs(slope) * columns / 2) + 2;
    std::vector<int> profile(static_cast<size_t>(rows + 2 * margin), 0);
    for (size_t k = 0; k < sums.size(); ++k) {
      int* to = profile.data() + margin - static_cast<int>(std::lround(centres[k] * slope));
      const int* from = sums[k].ptr<int>(0);
      for (int y = 0; y < rows; ++y) to[y] += from[y];
    }
    double sum = 0;
    for (size_t y = 1; y < profile.size(); ++y) {
      const double change = profile[y] - profile[y - 1];
      sum += change * change;
    }
    return sum;
  }
};

struct Slope {
  double degrees = 0;
  double sharpness = 0;
  double straight = 0;  // sharpness without any slope
};

Slope slopeOf(const cv::Mat& ink) {
  const Strips strips(ink);
  Slope best;
  best.sharpness = best.straight = strips.sharpness(0);
  const auto search = [&](double from, double to, double step) {
    for (double degrees = from; degrees <= to + step / 2; degrees += step) {
      const double sharpness = strips.sharpness(degrees);
      if (sharpness > best.sharpness) best = {degrees, sharpness, best.straight};
    }
  };
  search(-kMaxSkew, kMaxSkew, 0.5);
  search(best.degrees - 0.4, best.degrees + 0.4, 0.1);
  return best;
}

/// Letters of a line stand closer together than lines do: smeared along the lines they grow together, across they do
/// not. The pieces left by smearing up and down for each piece left by smearing to the sides.
double piecesDownwards(const Letters& letters) {
  const int reach = std::max(3, static_cast<int>(std::lround(letters.size * 0.5)) | 1);
  const auto pieces = [&](cv::Size smear) {
    cv::Mat wide, labels;
    cv::dilate(letters.ink, wide, cv::getStructuringElement(cv::MORPH_RECT, smear));
    return static_cast<double>(cv::connectedComponents(wide, labels, 4, CV_32S));
  };
  return pieces(cv::Size(1, reach)) / pieces(cv::Size(reach, 1));
}

/// Neither measure is enough: type of one width makes columns as sharp as lines, faint type falls to pieces. On 237
/// upright pages of all kinds this is never true; on 89 of them turned by 93 degrees it is for 86.
bool isSideways(const Slope& down, const Slope& across, const Letters& letters) {
  const double pieces = piecesDownwards(letters);
  return pieces < 0.6 || across.sharpness > 2 * std::pow(pieces, 1.5) * down.sharpness;
}

/// The darkest grey on the ring of five by five around each pixel, and which pixels are so much darker than it that they
/// are dirt: specks of up to three by three pixels, but no strokes however thin.
cv::Mat specksIn(const cv::Mat& grey, cv::Mat& around) {
  cv::Mat ring(5, 5, CV_8U, cv::Scalar(1)), depth;
  ring(cv::Rect(1, 1, 3, 3)) = 0;
  cv::erode(grey, around, ring);
  cv::subtract(around, grey, depth);
  return depth > kSpeckDepth;
}

/// Share of pixels that are dirt, on a band of the page at its full size.
double specksOf(const cv::Mat& grey) {
  const int w = std::min(grey.cols, 600), h = std::min(grey.rows, 300);
  const cv::Mat band = grey(cv::Rect((grey.cols - w) / 2, (grey.rows - h) / 2, w, h));
  cv::Mat around;
  return cv::countNonZero(specksIn(band, around)) / static_cast<double>(band.total());
}

/// Grey levels between the lightest and the darkest of the page's parts, each taken at its own paper.
double spreadOf(const cv::Mat& grey) {
  constexpr int kParts = 6;
  std::vector<int> grounds;
  for (int i = 0; i < kParts; ++i) {
    for (int k = 0; k < kParts; ++k) {
      const cv::Rect part(grey.cols * k / kParts, grey.rows * i / kParts, grey.cols / kParts, grey.rows / kParts);
      if (part.area() > 0) grounds.push_back(percentile(grey(part), {}, 0.8));
    }
  }
  if (grounds.empty()) return 0;
  std::sort(grounds.begin(), grounds.end());
  // A part may be a picture: the outermost tenths do not count.
  return grounds[grounds.size() * 9 / 10] - grounds[grounds.size() / 10];
}

}  // namespace

PageLook lookAt(const Image& page, bool known_sideways) {
  PageLook look;
  if (page.width < 16 || page.height < 16) return look;
  const cv::Mat whole = matOf(page);
  const double reduce = std::min(1.0, std::sqrt(kLookPixels / (static_cast<double>(page.width) * page.height)));
  cv::Mat grey = whole;
  if (reduce < 1) cv::resize(whole, grey, cv::Size(), reduce, reduce, cv::INTER_AREA);
  if (grey.cols < 16 || grey.rows < 16) return look;
  look.dark = percentile(grey, {}, 0.5) < kDarkGround;
  if (look.dark) {
    cv::Mat light;
    cv::subtract(cv::Scalar(255), grey, light);
    grey = light;
  }
  look.ground = percentile(grey, {}, 0.8);
  const Letters letters = lettersOf(grey);
  look.letters = letters.count;
  if (look.letters > 0) look.ink = percentile(grey, letters.ink, 0.3);
  look.ground_spread = spreadOf(grey);
  look.specks = specksOf(whole);
  look.sideways = known_sideways;
  if (look.letters < kMinLetters) return look;
  Slope slope = slopeOf(letters.ink);
  cv::Mat side;
  cv::transpose(letters.ink, side);
  const Slope across = slopeOf(side);
  look.sideways = known_sideways || isSideways(slope, across, letters);
  // Seen from the side, what falls to the right rises.
  if (look.sideways) slope = {-across.degrees, across.sharpness, across.straight};
  if (slope.sharpness > kSkewFactor * slope.straight) look.skew_degrees = std::round(10 * slope.degrees) / 10;
  return look;
}

Image turned(const Image& page, int quarters) {
  quarters = ((quarters % 4) + 4) % 4;
  if (quarters == 0) return page;
  cv::Mat out;
  cv::rotate(matOf(page), out,
             quarters == 1   ? cv::ROTATE_90_CLOCKWISE
             : quarters == 2 ? cv::ROTATE_180
                             : cv::ROTATE_90_COUNTERCLOCKWISE);
  Image image = imageOf(out, page);
  image.rotation = (page.rotation + 90 * quarters) % 360;
  return image;
}

Image straightened(const Image& page, double degrees, int ground) {
  const double angle = degrees * CV_PI / 180, cos = std::abs(std::cos(angle)), sin = std::abs(std::sin(angle));
  const int width = static_cast<int>(std::ceil(page.width * cos + page.height * sin));
  const int height = static_cast<int>(std::ceil(page.width * sin + page.height * cos));
  cv::Mat map = cv::getRotationMatrix2D(cv::Point2f(static_cast<float>(page.width) / 2, static_cast<float>(page.height) / 2),
                                        degrees, 1);
  map.at<double>(0, 2) += (width - page.width) / 2.0;
  map.at<double>(1, 2) += (height - page.height) / 2.0;
  cv::Mat out;
  cv::warpAffine(matOf(page), out, map, cv::Size(width, height), cv::INTER_CUBIC, cv::BORDER_CONSTANT,
                 cv::Scalar(ground));
  return imageOf(out, page);
}

Image despeckled(const Image& page) {
  Image out = page;
  cv::Mat grey = matOf(out);
  for (int pass = 0; pass < kSpeckPasses; ++pass) {
    cv::Mat around;
    const cv::Mat specks = specksIn(grey, around);
    around.copyTo(grey, specks);
  }
  return out;
}

Prepared prepare(const Image& page, bool known_sideways) {
  const PageLook look = lookAt(page, known_sideways);
  Prepared done;
  const auto current = [&]() -> const Image& { return done.image ? *done.image : page; };
  if (look.specks > kManySpecks) done.image = despeckled(page);
  if (look.dark) {
    Image light = current();
    for (uint8_t& pixel : light.pixels) pixel = static_cast<uint8_t>(255 - pixel);
    done.image = std::move(light);
  }
  if (look.sideways) {
    done.quarters = 1;
    done.image = turned(current(), 1);
  }
  if (std::abs(look.skew_degrees) >= kMinSkew) {
    done.straightened_degrees = look.skew_degrees;
    done.image = straightened(current(), look.skew_degrees, look.ground);
  }
  return done;
}

}  // namespace lectern::reader
