#pragma once
// Finders of single fields; each gives its best candidate or nothing.

#include <optional>
#include <string>

#include "reader/page/page.h"
#include "reader/relations/scene.h"

namespace lectern::reader {

struct Total {
  Field field;
  std::string currency;
};

/// The amount to pay: by its label, by how often it stands there, and by sums that add up (cash less change, net plus
/// tax).
std::optional<Total> findTotal(const Scene& scene, bool invoice);
/// Tax and net amount below a known total; net plus tax is the total where both are given.
struct Taxes {
  std::optional<Field> tax, net;
};
Taxes findTaxes(const Scene& scene, const std::string& total);

std::optional<Field> findDate(const Scene& scene);
std::optional<Field> findDueDate(const Scene& scene);
std::optional<Field> findInvoiceNumber(const Scene& scene);

/// Who issued the receipt: a line near the top with a legal form or a word of trade, else the first line of size.
struct Company {
  Field field;
  size_t row = 0;  // last row that it stands in
};
std::optional<Company> findCompany(const Scene& scene);

/// Who issued the invoice: what a label calls the seller, else the name with a legal form that stands most often, in
/// head and foot of the page.
std::optional<Field> findSeller(const Scene& scene);

/// Lines below the company up to telephone, tax number or the like.
std::optional<Field> findAddress(const Scene& scene, size_t after_row);

}  // namespace lectern::reader
