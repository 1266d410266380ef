#include "vfs/ext4/file_map.h"

#include <algorithm>
#include <cstring>

#include "kernel/base/vector.h"
#include "vfs/ext4/volume.h"

namespace lodge::ext4 {

FileMap::~FileMap() {
  arena_free(const_cast<Table*>(table_.load(std::memory_order_relaxed)));
}

FileMap::Stretch FileMap::find_in(const Table& table, uint64_t file_blocks, LogicalBlock at) {
  const Entry* end = table.entries + table.count;
  const Entry* next =
      std::upper_bound(table.entries, end, at, [](LogicalBlock a, const Entry& e) { return a < e.logical; });
  if (next != table.entries) {
    const Entry& e = next[-1];
    if (uint64_t within = at - e.logical; within < e.length) return {e.place.plus(within), e.length - within};
  }
  return {Place::zeros(), (next == end ? file_blocks : next->logical) - at};
}

Result<FileMap::Stretch> FileMap::find(const MapSource& source, LogicalBlock at) {
  const Table* table = table_.load(std::memory_order_acquire);
  if (!table) [[unlikely]]
    table = TRY(load(source));
  if (table->count != kTooMany) [[likely]]
    return find_in(*table, source.blocks, at);
  Run run = TRY(source.find(at));
  uint64_t blocks = std::min<uint64_t>(run.length, source.blocks - at);
  if (run.physical == 0) return Stretch{Place::zeros(), blocks};
  Device::Stretch s = source.volume.device().locate(run.physical, blocks);
  return Stretch{s.place, s.count};
}

// Several readers may do this at once; one table wins.
Result<const FileMap::Table*> FileMap::load(const MapSource& source) {
  Vector<Entry> entries;
  bool too_many = false;
  uint64_t steps = 0;
  for (uint64_t at = 0; at < source.blocks && !too_many;) {
    Run run = TRY(source.find(static_cast<LogicalBlock>(at)));
    uint64_t end = std::min(run.end(), source.blocks);
    for (uint64_t done = 0; run.physical != 0 && at + done < end && !too_many;) {
      Device::Stretch s = source.volume.device().locate(run.physical + done, end - at - done);
      auto logical = static_cast<LogicalBlock>(at + done);
      done += s.count;
      if (!entries.empty()) {
        Entry& last = entries[entries.size() - 1];
        bool follows =
            uint64_t{last.logical} + last.length == logical && last.place.plus(last.length) == s.place;
        if (follows && last.length + s.count <= UINT32_MAX) {
          last.length += static_cast<uint32_t>(s.count);
          continue;
        }
      }
      too_many = entries.size() == kMaxRuns;
      if (!too_many) TRY(entries.push_back(Entry{logical, static_cast<uint32_t>(s.count), s.place}));
    }
    // Holes take no entries, but a map of nothing else must not keep us here.
    too_many |= ++steps > 4 * kMaxRuns;
    at = end;
  }
  size_t count = too_many ? 0 : entries.size();
  auto* table = static_cast<Table*>(arena_alloc(sizeof(Table) + count * sizeof(Entry)));
  if (!table) return Errno::ENOMEM;
  table->count = too_many ? kTooMany : static_cast<uint32_t>(count);
  if (count != 0) std::memcpy(static_cast<void*>(table->entries), entries.data(), count * sizeof(Entry));
  return publish(table);
}

const FileMap::Table* FileMap::publish(Table* table) {
  const Table* first = nullptr;
  if (table_.compare_exchange_strong(first, table, std::memory_order_acq_rel)) return table;
  arena_free(table);
  return first;
}

}  // namespace lodge::ext4
