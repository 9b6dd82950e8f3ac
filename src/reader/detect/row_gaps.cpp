#include "reader/detect/row_gaps.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace lectern::reader {

namespace {

constexpr int kNearRows = 3;
constexpr double kAligned = 0.5;   // line heights
constexpr double kWideGap = 1.0;   // line heights
constexpr double kNoGap = 9;       // line heights: where a row begins or ends
constexpr double kFewOverlap = 0.6;  // lines side by side share this much of their height, and differ by no more

double medianOf(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double share(const Piece& a, const Piece& b) {
  const double top = std::max(a.middle - a.height / 2, b.middle - b.height / 2);
  const double bottom = std::min(a.middle + a.height / 2, b.middle + b.height / 2);
  return (bottom - top) / std::max(1.0, std::min(a.height, b.height));
}

bool sideBySide(const Piece& a, const Piece& b) {
  return share(a, b) >= kFewOverlap && std::min(a.height, b.height) >= kFewOverlap * std::max(a.height, b.height);
}

/// How many of the sorted values lie within `reach` of x.
double near(const std::vector<double>& sorted, double x, double reach) {
  return static_cast<double>(std::lower_bound(sorted.begin(), sorted.end(), x + reach) -
                             std::lower_bound(sorted.begin(), sorted.end(), x - reach));
}

/// The page's rows with the columns that its pieces line up in.
class Rows {
 public:
  Rows(const std::vector<Piece>& pieces, double usual) : pieces_(pieces), usual_(usual), row_of_(pieces.size()) {
    std::vector<size_t> order(pieces.size());
    std::vector<double> heights;
    for (size_t i = 0; i < order.size(); ++i) {
      order[i] = i;
      heights.push_back(pieces[i].height);
    }
    height_ = medianOf(std::move(heights));
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return pieces[a].middle < pieces[b].middle; });
    for (const size_t i : order) put(i);
    for (auto& row : rows_) {
      std::stable_sort(row.begin(), row.end(), [&](size_t a, size_t b) { return pieces[a].x0 < pieces[b].x0; });
      for (size_t k = 0; k < row.size(); ++k) {
        ends_.push_back(pieces[row[k]].x1);
        starts_.push_back(pieces[row[k]].x0);
        if (k > 0) column_starts_.push_back(pieces[row[k]].x0);
        if (k > 0) column_ends_.push_back(pieces[row[k]].x1);
      }
    }
    for (auto* sorted : {&ends_, &starts_, &column_starts_, &column_ends_}) std::sort(sorted->begin(), sorted->end());
  }

  const std::vector<size_t>& rowOf(size_t piece) const { return rows_[row_of_[piece]]; }

  /// The features of the gap between two pieces; the judge's file was trained on exactly this order.
  std::array<float, kGapFeatures> describe(size_t left, size_t right) const {
    const Piece& a = pieces_[left];
    const Piece& b = pieces_[right];
    const double h = (a.height + b.height) / 2;
    const double gap = b.x0 - a.x1;
    const Around around = aroundOf(row_of_[left], (a.x1 + b.x0) / 2, b.x0);
    const auto& row = rowOf(left);
    const auto before = std::count_if(row.begin(), row.end(), [&](size_t i) { return pieces_[i].x0 < a.x0; });
    const auto after = std::count_if(row.begin(), row.end(), [&](size_t i) { return pieces_[i].x0 > b.x0; });
    const auto page_left = starts_[starts_.size() * 3 / 100];
    const auto page_right = ends_[ends_.size() * 97 / 100];
    const double values[kGapFeatures] = {
        gap / h, gap / height_, gap / h / usual_, h / height_, usual_,
        0,  // kOddsFeature
        a.line == b.line ? 1.0 : 0.0,
        double(a.words), double(b.words), double(before), double(after), (a.x1 - a.x0) / h, (b.x1 - b.x0) / h,
        (page_right - b.x1) / h, (a.x0 - page_left) / h,
        near(column_starts_, b.x0, kAligned * h), around.starts, near(column_ends_, b.x1, kAligned * h),
        near(ends_, a.x1, kAligned * h), around.crossed, around.widest, around.wide,
        spaceBefore(left) / h, spaceAfter(right) / h, b.first_word / h, a.last_word / h,
        a.widest_space / h, b.widest_space / h};
    std::array<float, kGapFeatures> out{};
    std::transform(std::begin(values), std::end(values), out.begin(), [](double v) { return static_cast<float>(v); });
    return out;
  }

 private:
  struct Around {
    double starts = 0;   // pieces of near rows that begin where the right one does
    double crossed = 0;  // near rows with ink in the gap's middle
    double widest = 0;   // gap of a near row that the middle lies in
    double wide = 0;     // near rows with a wide gap there
  };

  void put(size_t piece) {
    const size_t from = rows_.size() > 4 ? rows_.size() - 4 : 0;
    for (size_t r = rows_.size(); r-- > from;) {
      if (share(pieces_[rows_[r].front()], pieces_[piece]) < 0.5) continue;
      row_of_[piece] = r;
      rows_[r].push_back(piece);
      return;
    }
    row_of_[piece] = rows_.size();
    rows_.push_back({piece});
  }

  Around aroundOf(size_t row, double middle, double start) const {
    Around out;
    const size_t from = row > kNearRows ? row - kNearRows : 0;
    for (size_t r = from; r < std::min(rows_.size(), row + kNearRows + 1); ++r) {
      if (r == row) continue;
      const auto& pieces = rows_[r];
      for (size_t k = 0; k < pieces.size(); ++k) {
        const Piece& p = pieces_[pieces[k]];
        if (p.x0 < middle && middle < p.x1) ++out.crossed;
        if (k == 0) continue;
        if (std::abs(p.x0 - start) < kAligned * height_) ++out.starts;
        const double left = pieces_[pieces[k - 1]].x1;
        if (!(left <= middle && middle <= p.x0)) continue;
        const double gap = (p.x0 - left) / height_;
        out.widest = std::max(out.widest, gap);
        if (gap > kWideGap) ++out.wide;
      }
    }
    return out;
  }

  double spaceBefore(size_t piece) const {
    double best = kNoGap * height_;
    for (const size_t i : rowOf(piece)) {
      if (pieces_[i].x0 < pieces_[piece].x0) best = std::min(best, pieces_[piece].x0 - pieces_[i].x1);
    }
    return best;
  }
  double spaceAfter(size_t piece) const {
    double best = kNoGap * height_;
    for (const size_t i : rowOf(piece)) {
      if (pieces_[i].x0 > pieces_[piece].x0) best = std::min(best, pieces_[i].x0 - pieces_[piece].x1);
    }
    return best;
  }

  const std::vector<Piece>& pieces_;
  double usual_;
  double height_ = 1;
  std::vector<std::vector<size_t>> rows_;
  std::vector<size_t> row_of_;
  std::vector<double> starts_, ends_, column_starts_, column_ends_;
};

constexpr size_t kNone = static_cast<size_t>(-1);

/// The nearest piece to the right of `piece` in its row, when the two stand side by side; kNone otherwise. Of pieces that
/// begin at the same place the later one is to the right, so that no two are each other's next.
size_t nextInRow(const std::vector<Piece>& pieces, const std::vector<size_t>& row, size_t piece) {
  size_t best = kNone;
  for (const size_t i : row) {
    if (pieces[i].line == pieces[piece].line || std::pair(pieces[i].x0, i) < std::pair(pieces[piece].x0, piece)) continue;
    if (best == kNone || pieces[i].x0 < pieces[best].x0) best = i;
  }
  if (best == kNone || !sideBySide(pieces[piece], pieces[best])) return kNone;
  const double h = (pieces[piece].height + pieces[best].height) / 2;
  const double gap = pieces[best].x0 - pieces[piece].x1;
  return gap > -kCandidateGap * h && gap < kWidestJoin * h ? best : kNone;
}

}  // namespace

std::vector<RowGap> rowGaps(const std::vector<Piece>& pieces, double usual_space) {
  std::vector<RowGap> gaps;
  if (pieces.empty()) return gaps;
  const Rows rows(pieces, usual_space);
  std::vector<bool> taken(pieces.size());
  for (size_t i = 0; i < pieces.size(); ++i) {
    size_t next = i + 1;
    if (next == pieces.size() || pieces[next].line != pieces[i].line) {
      next = nextInRow(pieces, rows.rowOf(i), i);
      // Only a line's first piece can be joined to another line, and only once.
      const bool first = next != kNone && (next == 0 || pieces[next - 1].line != pieces[next].line);
      if (!first || taken[next]) continue;
    }
    taken[next] = true;
    gaps.push_back({i, next, rows.describe(i, next)});
  }
  return gaps;
}

}  // namespace lectern::reader
