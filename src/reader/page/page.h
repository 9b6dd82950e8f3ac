#pragma once
// The value types that all reading stages share. Stages never include each other; they meet here.
// Boxes are pixels of the source image after it was turned upright by quarters of a circle (Page::rotation), origin top
// left, x1 and y1 exclusive. Straightening and scaling are undone: boxes of a tilted page are hulls of tilted text.
// Ids are unique in a document and are given by assignIds in reading order, so that the same page always gives the
// same ids.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lectern::reader {

struct Point {
  float x = 0;
  float y = 0;
  bool operator==(const Point&) const = default;
};

/// An axis-aligned rectangle in page pixels; [x0, x1) × [y0, y1).
struct Box {
  int x0 = 0;
  int y0 = 0;
  int x1 = 0;
  int y1 = 0;
  int width() const { return x1 - x0; }
  int height() const { return y1 - y0; }
  int64_t area() const { return empty() ? 0 : int64_t{width()} * height(); }
  bool empty() const { return x1 <= x0 || y1 <= y0; }
  double centerX() const { return (x0 + x1) / 2.0; }
  double centerY() const { return (y0 + y1) / 2.0; }
  bool operator==(const Box&) const = default;
};
Box intersect(const Box& a, const Box& b);
/// The smallest box around both; an empty box counts as nothing.
Box unite(const Box& a, const Box& b);
double intersectionOverUnion(const Box& a, const Box& b);
/// Length of the shared part of the two intervals, as a share of the smaller one (0..1).
double verticalOverlap(const Box& a, const Box& b);
double horizontalOverlap(const Box& a, const Box& b);

/// Corners in the order top left, top right, bottom right, bottom left of the text's own direction.
using Quad = std::array<Point, 4>;
Quad quadOf(const Box& box);
Box boundsOf(const Quad& quad);

/// What a detector finds: a place where one line of text stands.
struct TextRegion {
  Quad quad;
  Box box;
  float score = 0;  // 0..1
};

/// Unknown on scans: nothing here tells handwriting from print well enough to say so.
enum class Writing { kUnknown, kPrint, kHand };

struct Word {
  std::string id;
  std::string text;  // UTF-8, NFC, no white space
  Box box;
  float confidence = 0;  // 0..1
  int line = -1;         // index into Page::lines
  Writing writing = Writing::kUnknown;
  bool bold = false;
};

struct Line {
  std::string id;
  std::string text;  // the words with single spaces
  Box box;
  Quad quad;
  std::vector<int> words;  // indexes into Page::words, left to right
  int block = -1;          // index into Page::blocks
};

struct Block {
  std::string id;
  std::string text;
  Box box;
  std::vector<int> lines;  // indexes into Page::lines, top to bottom
  std::string role;        // paragraph, heading, header, footer, footnote, list, table, caption, ...
};

struct Sentence {
  std::string id;
  std::string text;
  std::vector<int> words;
};

enum class Orientation { kHorizontal, kVertical };

/// A ruled line of the page.
struct Rule {
  std::string id;
  Box box;
  Orientation orientation = Orientation::kHorizontal;
};

/// A closed frame; small square ones are checkboxes.
struct Frame {
  std::string id;
  Box box;
  bool checkbox = false;
  bool checked = false;
};

struct Cell {
  int row = 0;
  int col = 0;
  int row_span = 1;
  int col_span = 1;
  std::string text;
  Box box;
  std::vector<int> words;
};

struct Table {
  std::string id;
  Box box;
  int rows = 0;
  int cols = 0;
  std::string kind;  // ruled, borderless
  int header_rows = 0;
  std::string csv;  // file name relative to the output folder
  std::vector<Cell> cells;
};

enum class Checksum { kNone, kOk, kBad };

/// A typed value: a number, date, amount, name, ... that stands on some words.
struct Value {
  std::string id;
  std::string text;
  std::string simple_type;
  std::string semantic_type;
  std::string normalized;
  std::string unit;
  std::string currency;
  Checksum checksum = Checksum::kNone;
  float confidence = 0;
  std::vector<int> words;
};

struct KeyValue {
  std::string key;
  std::string value;
  std::vector<int> key_words;
  std::vector<int> value_words;
  float confidence = 0;
  bool section = false;  // a heading with one of the labels below it
};

struct Relation {
  std::string from;  // ids
  std::string to;
  std::string kind;     // right_of, below, same_line, inside, header_of, ...
  double distance = 0;  // pixels
};

struct Page {
  int number = 1;  // counts from 1
  int width = 0;   // pixels
  int height = 0;
  int dpi = 0;                  // 0: unknown
  int rotation = 0;             // degrees clockwise the source was turned by to stand upright: 0, 90, 180, 270
  double skew_degrees = 0;      // by which the upright source lies turned clockwise
  bool has_text_layer = false;  // words come from the PDF itself
  std::vector<Word> words;
  std::vector<Line> lines;
  std::vector<Block> blocks;  // in reading order
  std::vector<Sentence> sentences;
  std::vector<Rule> rules;
  std::vector<Frame> frames;
  std::vector<Table> tables;
  std::vector<Value> values;
  std::vector<KeyValue> key_values;
  std::vector<Relation> relations;
};

/// A named field of the document (company, date, total, ...), with the words it stands on.
struct Field {
  std::string name;
  std::string value;  // normalised: ISO dates, plain decimal amounts
  std::string text;   // as printed
  int page = 1;
  std::vector<int> words;
  float confidence = 0;
  std::string workflow;  // how a stored workflow got it: program, question, sql; empty: found by the reader's own rules
};

struct StageTiming {
  std::string stage;
  double millis = 0;
};

struct ModelUse {
  std::string role;
  std::string name;
  std::string sha256;
};

struct Document {
  std::string name;
  std::string sha256;  // of the source file
  std::string type;    // receipt, invoice, form, letter, table_page, ...
  float type_confidence = 0;
  std::string language;
  std::string layout;  // name of the stored template that the document looks like; empty: none
  float layout_score = 0;
  std::vector<Page> pages;
  std::vector<Field> fields;
  std::vector<StageTiming> timings;
  std::vector<ModelUse> models;
};

/// Gives every word, line, block, ... its id: w1, l1, b1, s1, r1, f1, t1, v1 and so on through the whole document.
void assignIds(Document& document);

}  // namespace lectern::reader
