// See size_parse.h.
#include "userland/lodge/size_parse.h"

#include <charconv>

namespace lodge {

namespace {

constexpr uint64_t kMaxSize = INT64_MAX;  // the host's off_t

// The shift a unit stands for, or nothing. Case does not matter; "", "B", "K", "KB" and "KiB" are the forms.
std::optional<unsigned> unit_shift(std::string_view unit) {
  auto same = [](char c, char upper) { return (c & ~0x20) == upper; };
  if (unit.empty()) return 0;
  if (unit.size() == 1 && same(unit[0], 'B')) return 0;
  constexpr std::string_view kUnits = "KMGTPE";
  unsigned shift = 0;
  for (size_t i = 0; i < kUnits.size(); i++) {
    if (same(unit[0], kUnits[i])) shift = 10 * (i + 1);
  }
  if (shift == 0) return std::nullopt;
  unit.remove_prefix(1);
  if (!unit.empty() && same(unit[0], 'I') && unit.size() == 2) unit.remove_prefix(1);
  if (unit.empty() || (unit.size() == 1 && same(unit[0], 'B'))) return shift;
  return std::nullopt;
}

}  // namespace

std::optional<uint64_t> parse_number(std::string_view text, uint64_t max) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 10);
  if (error != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

std::optional<uint64_t> parse_size(std::string_view text) {
  size_t digits = text.find_first_not_of("0123456789");
  if (digits == std::string_view::npos) digits = text.size();
  std::optional<uint64_t> value = parse_number(text.substr(0, digits), kMaxSize);
  std::optional<unsigned> shift = unit_shift(text.substr(digits));
  if (!value || !shift || *value > (kMaxSize >> *shift)) return std::nullopt;
  return *value << *shift;
}

}  // namespace lodge
