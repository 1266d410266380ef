// Generated files and the tables of directories, through sysfs and a small table of the test's own.
#include "kernel/sched/runqueue.h"
#include "vfs/pseudo/node.h"
#include "vfs/pseudo/show.h"
#include "vfs/sysfs/sysfs.h"
#include "vfs_support.h"

namespace lodge {
namespace {

uint32_t made = 0;   // how often the text was made
std::string stored;  // what was last written
uint32_t three() {
  return 3;
}

constexpr PseudoNode kItem[] = {
    pseudo_file("number", [](Formatter& out, uint32_t index) { format(out, "{}\n", index); }),
};
constexpr PseudoNode kTable[] = {
    pseudo_file("count", [](Formatter& out, uint32_t) { format(out, "text {} of many\n", ++made); }),
    pseudo_text("fixed", "always\n"),
    pseudo_dirs("item", kItem, three),
    pseudo_link("link", "fixed"),
    pseudo_setting(
        "setting", [](Formatter& out, uint32_t) { out.put("x\n"); },
        [](std::string_view text) -> Result<void> {
          if (text == "bad") return Errno::EINVAL;
          stored = std::string(text);
          return {};
        }),
};
constexpr PseudoNode kRoot = pseudo_dir("", kTable);

Result<Ref<Superblock>> mount_table(const MountRequest&) {
  Ref<PseudoSuperblock> sb = TRY(make<PseudoSuperblock>("table", 1, Vfs::current().new_anonymous_dev()));
  sb->set_root(TRY(make<PseudoDir>(*sb, 1u, 1u, kRoot, 0u, Inode::Owner{0, 0})));
  return Ref<Superblock>(std::move(sb));
}
constexpr FsType kTableType{"table", mount_table, {}};

class PseudoTest : public VfsTest {
 protected:
  PseudoTest() {
    made = 0;
    stored.clear();
    kernel.set_part(sched);
    sched.cpu_count = 2;
    vfs->register_fs(kTableType);
    register_sysfs(*vfs);
    mount("table", "/t");
    mount("sysfs", "/s");
  }
  void mount(const char* type, const char* where) {
    EXPECT_TRUE(make_directory(ctx(), at(where), 0755).ok());
    auto place = lookup_path(ctx(), abi::kAtFdcwd, where, kFollow);
    EXPECT_TRUE(place.ok());
    auto m = vfs->mount_fs(type, {});
    EXPECT_TRUE(m.ok());
    EXPECT_TRUE(vfs->mounts().attach(m.take(), *place).ok());
  }
  Result<Ref<File>> open(const char* path, uint32_t flags = abi::kORdonly) {
    return open_path_at(ctx(), abi::kAtFdcwd, path, {.flags = flags});
  }
  static std::string read_at(File& f, uint64_t offset, size_t n = 4096) {
    std::string text(n, 0);
    IoCursor to = IoCursor::kernel(text.data(), n);
    auto got = f.read(to, offset);
    EXPECT_TRUE(got.ok());
    text.resize(got.value_or(0));
    return text;
  }
  std::string contents(const char* path) {
    auto f = open(path);
    EXPECT_TRUE(f.ok()) << path;
    return f.ok() ? read_at(**f, 0) : "";
  }
  Scheduler sched;
};

TEST_F(PseudoTest, TextStandsStillUntilReadFromTheStart) {
  auto f = open("/t/count");
  ASSERT_TRUE(f.ok());
  EXPECT_EQ(read_at(**f, 0, 4), "text");
  EXPECT_EQ(read_at(**f, 4, 100), " 1 of many\n");
  EXPECT_EQ(read_at(**f, 15), "");
  EXPECT_EQ(read_at(**f, 0), "text 2 of many\n");
  auto other = open("/t/count");
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(read_at(**other, 5, 1), "3");  // another file, another text, also when it starts in the middle
}

TEST_F(PseudoTest, NamesAndNumberedDirectories) {
  EXPECT_EQ(contents("/t/fixed"), "always\n");
  EXPECT_EQ(contents("/t/link"), "always\n");
  EXPECT_EQ(contents("/t/item2/number"), "2\n");
  for (const char* path : {"/t/item3", "/t/item", "/t/item02", "/t/item-1", "/t/none", "/t/item0/none"})
    EXPECT_EQ(errno_of(open(path)), Errno::ENOENT) << path;
}

TEST_F(PseudoTest, ListsEachNameOnceWhateverTheBufferHolds) {
  struct Few final : DirSink {
    size_t room = 0;
    std::vector<std::string> names;
    uint64_t next = 0;
    bool add(std::string_view name, uint64_t, uint8_t, uint64_t next_offset) override {
      if (room == 0) return false;
      room--;
      names.emplace_back(name);
      next = next_offset;
      return true;
    }
  };
  auto dir = open("/t");
  ASSERT_TRUE(dir.ok());
  for (size_t room : {1, 2, 5, 100}) {
    Few sink;
    for (size_t before = ~size_t{0}; before != sink.names.size();) {
      before = sink.names.size();
      sink.room = room;
      ASSERT_TRUE((*dir)->inode()->read_dir(sink.next, sink).ok());
    }
    EXPECT_EQ(sink.names, (std::vector<std::string>{".", "..", "count", "fixed", "item0", "item1", "item2",
                                                    "link", "setting"}))
        << room;
  }
}

TEST_F(PseudoTest, WritesReachTheirSettingAlone) {
  auto f = open("/t/setting", abi::kOWronly | abi::kOTrunc);
  ASSERT_TRUE(f.ok());
  auto write = [](File& file, std::string text) {
    IoCursor from = IoCursor::kernel(text.data(), text.size());
    return file.write(from, 0);
  };
  EXPECT_EQ(write(**f, "7\n").value_or(0), 2u);
  EXPECT_EQ(stored, "7\n");
  EXPECT_EQ(errno_of(write(**f, "bad")), Errno::EINVAL);
  EXPECT_EQ(errno_of(write(**f, std::string(5000, 'x'))), Errno::EINVAL);
  EXPECT_EQ(stored, "7\n");
  auto fixed = open("/t/fixed", abi::kOWronly);  // root may open it
  ASSERT_TRUE(fixed.ok());
  EXPECT_EQ(errno_of(write(**fixed, "x")), Errno::EIO);
}

TEST_F(PseudoTest, SysfsCountsProcessors) {
  EXPECT_EQ(contents("/s/devices/system/cpu/online"), "0-1\n");
  EXPECT_EQ(contents("/s/devices/system/cpu/cpu1/topology/thread_siblings_list"), "1\n");
  EXPECT_EQ(contents("/s/devices/system/cpu/cpu1/topology/core_siblings"), "3\n");
  EXPECT_EQ(errno_of(open("/s/devices/system/cpu/cpu2")), Errno::ENOENT);
  EXPECT_NE(contents("/s/devices/system/node/node0/meminfo").find("Node 0 MemTotal:          65536 kB\n"),
            std::string::npos);
}

TEST(PseudoText, ProcessorSetsAndEscapes) {
  auto text = [](auto f) {
    char buffer[100];
    Formatter out(buffer);
    f(out);
    return std::string(out.view());
  };
  EXPECT_EQ(text([](Formatter& o) { put_cpu_list(o, 0b1011'0001); }), "0,4-5,7");
  EXPECT_EQ(text([](Formatter& o) { put_cpu_list(o, ~0ull); }), "0-63");
  EXPECT_EQ(text([](Formatter& o) { put_cpu_mask(o, 3, 2); }), "3");
  EXPECT_EQ(text([](Formatter& o) { put_cpu_mask(o, 1ull << 40 | 1, 64); }), "00000100,00000001");
  EXPECT_EQ(text([](Formatter& o) { put_escaped(o, "a b\\c", " \\"); }), "a\\040b\\134c");
  EXPECT_EQ(text([](Formatter& o) { put_seconds(o, 61'239'999'999); }), "61.23");
}

}  // namespace
}  // namespace lodge
