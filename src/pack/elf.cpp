#include "pack/elf.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace lectern::pack {

namespace {
Failure damaged() { return fail(Code::kCorrupt, "the ELF file is damaged"); }

template <typename T>
std::optional<T> at(std::string_view bytes, uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

Result<std::vector<Elf64_Phdr>> programHeaders(std::string_view bytes) {
  const auto header = at<Elf64_Ehdr>(bytes, 0);
  if (!header || !isElf(bytes)) return damaged();
  if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB) {
    return fail(Code::kInvalid, "only 64-bit little-endian ELF files are packed");
  }
  std::vector<Elf64_Phdr> out;
  for (int i = 0; i < header->e_phnum; ++i) {
    const auto entry = at<Elf64_Phdr>(bytes, header->e_phoff + static_cast<uint64_t>(i) * sizeof(Elf64_Phdr));
    if (!entry || entry->p_offset > bytes.size() || entry->p_filesz > bytes.size() - entry->p_offset) return damaged();
    out.push_back(*entry);
  }
  return out;
}

std::optional<uint64_t> fileOffset(const std::vector<Elf64_Phdr>& headers, uint64_t address) {
  for (const auto& h : headers) {
    if (h.p_type == PT_LOAD && address >= h.p_vaddr && address - h.p_vaddr < h.p_filesz) {
      return h.p_offset + (address - h.p_vaddr);
    }
  }
  return std::nullopt;
}

std::string textAt(std::string_view bytes, uint64_t offset) {
  if (offset >= bytes.size()) return "";
  const auto rest = bytes.substr(offset, 4096);
  return std::string(rest.substr(0, rest.find('\0')));
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> out;
  for (size_t from = 0; from <= list.size();) {
    const size_t colon = std::min(list.find(':', from), list.size());
    if (colon > from) out.push_back(list.substr(from, colon - from));
    from = colon + 1;
  }
  return out;
}

std::vector<Elf64_Dyn> dynamicEntries(std::string_view bytes, const std::vector<Elf64_Phdr>& headers) {
  std::vector<Elf64_Dyn> out;
  for (const auto& h : headers) {
    if (h.p_type != PT_DYNAMIC) continue;
    for (uint64_t i = 0; i + sizeof(Elf64_Dyn) <= h.p_filesz; i += sizeof(Elf64_Dyn)) {
      const auto entry = at<Elf64_Dyn>(bytes, h.p_offset + i);
      if (!entry || entry->d_tag == DT_NULL) break;
      out.push_back(*entry);
    }
  }
  return out;
}

/// How many symbols a GNU hash table is of: those before `first` are not in it, the others form chains whose last entry
/// is odd. 0 for damage.
uint64_t symbolsOfGnuHash(std::string_view bytes, uint64_t table) {
  const auto buckets = at<uint32_t>(bytes, table), first = at<uint32_t>(bytes, table + 4), words = at<uint32_t>(bytes, table + 8);
  if (!buckets || !first || !words) return 0;
  const uint64_t bucket_at = table + 16 + uint64_t{8} * *words, chain_at = bucket_at + uint64_t{4} * *buckets;
  if (chain_at > bytes.size()) return 0;
  uint32_t last = 0;
  for (uint64_t i = 0; i < *buckets; ++i) last = std::max(last, at<uint32_t>(bytes, bucket_at + 4 * i).value_or(0));
  if (last < *first) return *first;  // nothing is exported
  for (uint64_t i = last;; ++i) {
    const auto hash = at<uint32_t>(bytes, chain_at + 4 * (i - *first));
    if (!hash) return 0;
    if ((*hash & 1) != 0) return i + 1;
  }
}

/// The value of an entry that is an address, as an offset in the file.
std::optional<uint64_t> offsetOf(const std::vector<Elf64_Phdr>& headers, const std::vector<Elf64_Dyn>& dynamic, int64_t tag) {
  const auto found = std::find_if(dynamic.begin(), dynamic.end(), [tag](const auto& d) { return d.d_tag == tag; });
  return found == dynamic.end() ? std::nullopt : fileOffset(headers, found->d_un.d_ptr);
}
}  // namespace

bool isElf(std::string_view bytes) { return bytes.starts_with("\177ELF"); }

Result<ElfSymbols> readSymbols(std::string_view bytes) {
  TRY(const auto headers, programHeaders(bytes));
  const auto dynamic = dynamicEntries(bytes, headers);
  const auto symbols = offsetOf(headers, dynamic, DT_SYMTAB), strings = offsetOf(headers, dynamic, DT_STRTAB);
  ElfSymbols out;
  if (!symbols || !strings) return out;
  uint64_t count = 0;
  if (const auto table = offsetOf(headers, dynamic, DT_GNU_HASH)) {
    count = symbolsOfGnuHash(bytes, *table);
  } else if (const auto plain = offsetOf(headers, dynamic, DT_HASH)) {
    count = at<uint32_t>(bytes, *plain + 4).value_or(0);
  }
  for (uint64_t i = 1; i < count; ++i) {
    const auto symbol = at<Elf64_Sym>(bytes, *symbols + i * sizeof(Elf64_Sym));
    if (!symbol) return damaged();
    const auto binding = ELF64_ST_BIND(symbol->st_info);
    if (binding == STB_LOCAL) continue;
    if (symbol->st_shndx != SHN_UNDEF) {
      out.exported.push_back(textAt(bytes, *strings + symbol->st_name));
    } else if (binding == STB_GLOBAL) {
      out.imported.push_back(textAt(bytes, *strings + symbol->st_name));
    }
  }
  return out;
}

Result<ElfInfo> readElf(std::string_view bytes) {
  TRY(const auto headers, programHeaders(bytes));
  ElfInfo out;
  for (const auto& h : headers) {
    if (h.p_type == PT_INTERP) out.interpreter = textAt(bytes, h.p_offset);
  }
  const auto dynamic = dynamicEntries(bytes, headers);
  std::optional<uint64_t> strings;
  for (const auto& d : dynamic) {
    if (d.d_tag == DT_STRTAB) strings = fileOffset(headers, d.d_un.d_ptr);
  }
  if (!strings) return dynamic.empty() ? Result<ElfInfo>(out) : damaged();
  for (const auto& d : dynamic) {
    const std::string text = textAt(bytes, *strings + d.d_un.d_val);
    if (d.d_tag == DT_NEEDED) out.needed.push_back(text);
    if (d.d_tag == DT_SONAME) out.soname = text;
    if (d.d_tag == DT_RUNPATH || d.d_tag == DT_RPATH) out.search = split(text);
  }
  return out;
}

Result<std::string> stripElf(std::string_view bytes) {
  TRY(const auto headers, programHeaders(bytes));
  auto header = *at<Elf64_Ehdr>(bytes, 0);
  uint64_t end = header.e_phoff + headers.size() * sizeof(Elf64_Phdr);
  for (const auto& h : headers) end = std::max(end, h.p_offset + h.p_filesz);
  if (headers.empty() || end > bytes.size()) return std::string(bytes);  // an object file
  header.e_shoff = 0;
  header.e_shnum = 0;
  header.e_shstrndx = 0;
  std::string out(bytes.substr(0, end));
  std::memcpy(out.data(), &header, sizeof header);
  return out;
}

}  // namespace lectern::pack
