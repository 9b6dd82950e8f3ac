#pragma once
// Units as types, so that bytes, money and time never mix.

#include <chrono>
#include <compare>
#include <cstdint>

namespace lectern {

using Nanos = std::chrono::nanoseconds;
using Micros = std::chrono::microseconds;
using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

/// A count of bytes.
struct Bytes {
  int64_t value = 0;
  auto operator<=>(const Bytes&) const = default;
  friend Bytes operator+(Bytes a, Bytes b) { return {a.value + b.value}; }
  friend Bytes operator-(Bytes a, Bytes b) { return {a.value - b.value}; }
  Bytes& operator+=(Bytes b) {
    value += b.value;
    return *this;
  }
};
constexpr Bytes kibibytes(int64_t n) { return {n * 1024}; }
constexpr Bytes mebibytes(int64_t n) { return {n * 1024 * 1024}; }
constexpr Bytes gibibytes(int64_t n) { return {n * 1024 * 1024 * 1024}; }

/// Money: 1 US dollar = 1 000 000 000 nanodollars; prices are exact integers.
struct Nanodollars {
  int64_t value = 0;
  auto operator<=>(const Nanodollars&) const = default;
  friend Nanodollars operator+(Nanodollars a, Nanodollars b) { return {a.value + b.value}; }
  friend Nanodollars operator-(Nanodollars a, Nanodollars b) { return {a.value - b.value}; }
  Nanodollars& operator+=(Nanodollars b) {
    value += b.value;
    return *this;
  }
};

}  // namespace lectern
