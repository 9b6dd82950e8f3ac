#pragma once
#include <span>
#include <string_view>

namespace lectern::reader {

/// What addresses are made of, in capitals, sorted: words of streets and places in Malay, English and German, the states and
/// large towns of Malaysia, and the abbreviations of roads and lots.
std::span<const std::string_view> placeWords();
bool isPlaceWord(std::string_view capitals);

}  // namespace lectern::reader
