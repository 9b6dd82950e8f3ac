#include "plan/price.h"

#include <fmt/core.h>

#include <memory>
#include <string>

#include "cli/commands.h"

namespace lectern::cli {

namespace {
const std::string kAbout =
    "Price a usage file and explain the bill line by line.\n"
    "Example: lectern price usage.json --book aws-2020\n"
    "A usage file: {\"book\":\"aws-2026\",\"items\":[{\"service\":\"lambda\",\"arch\":\"x86_64\","
    "\"memory_mb\":3008,\n               \"duration_ms\":1234,\"count\":1}]}\n"
    "Services and their fields:\n";
}  // namespace

void addPrice(CLI::App& app, int& status) {
  struct Options {
    std::string file, book;
    bool json = false, books = false;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("price", kAbout + plan::usageHelp());
  command->add_option("usage", options->file, "usage file, - for standard input");
  command->add_option("--book", options->book, "price book or FILE.json (default: the usage file's, else aws-2026)");
  command->add_flag("--json", options->json, "print JSON");
  command->add_flag("--books", options->books, "list the price books");
  command->callback([options, &status] {
    if (options->books) {
      fmt::print("{}", plan::listBooks());
      status = 0;
      return;
    }
    if (options->file.empty()) {
      fmt::print(stderr, "lectern price: name a usage file, for example: lectern price usage.json\n");
      status = 2;
      return;
    }
    const auto text = plan::priceFile(options->file, options->book, options->json);
    if (text) {
      fmt::print("{}", *text);
    } else {
      fmt::print(stderr, "lectern price: {}\n", text.error().message);
    }
    status = text ? 0 : 1;
  });
}

}  // namespace lectern::cli
