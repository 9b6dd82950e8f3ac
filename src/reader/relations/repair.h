#pragma once
// Readings put right by what names and addresses are made of: legal forms, words of addresses, digits and letters that
// look alike. Only words of general use; there is no list of companies or streets.

#include <string>

namespace lectern::reader {

/// Takes back digits among letters that recognition confuses with letters: "J1n" is "Jln", "WorId" is "World",
/// "D.1.Y." is "D.I.Y.".
std::string repairedLetters(const std::string& text);

/// A company's name: letters, and its legal form where one letter of it is misread ("Son Bhd", "S/8").
std::string repairedName(const std::string& text);

/// An address: letters, digits of house numbers and postcodes ("4330O"), and words of addresses that one or two
/// look-alike letters keep from being one ("Setangor", "0ESA").
std::string repairedAddress(const std::string& text);

}  // namespace lectern::reader
