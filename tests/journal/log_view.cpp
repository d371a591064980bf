#include "../process/temporary_directory.hpp"
#include "real_process.hpp"

#include <sys/stat.h>

namespace {

using namespace queuectl;
using namespace queuectl::journal_testing;
using view = journal::log_view<simulated_file_system>;

// Seven bodies over four segments, all durable; another boot.
struct old_log {
    simulated_machine<> machine;

    old_log()
    {
        auto a = machine.start(1);
        for (int i = 0; i < 7; ++i) EXPECT_TRUE(a.append_durably(std::to_string(i) + std::string(600, '.')));
        EXPECT_TRUE(a.log->settle_down(a.heard));
        machine.boot = {9, 9};
    }
    [[nodiscard]] std::string& bytes(std::uint64_t number)
    {
        return machine.disk.state().cached.find(journal::segment_name(number))->second->cached;
    }
};

TEST(LogView, TellsAllAndReadsBackAndWritesNothing)
{
    old_log log;
    const auto before = simulated::fingerprint(log.machine.disk.crash({}));
    view v{simulated_file_system{log.machine.disk}};
    heard_bodies heard;
    ASSERT_TRUE(v.read_all(heard));
    EXPECT_EQ(heard.bodies.size(), 7U);
    for (const auto& [sequence, place] : heard.places)
        EXPECT_EQ(*v.read(place.segment, place.offset, 601), heard.bodies[sequence]);
    EXPECT_EQ(v.read(heard.at.segment, heard.at.offset, 1).error().code, errc::corrupt);
    EXPECT_EQ(simulated::fingerprint(log.machine.disk.crash({})), before);
    EXPECT_TRUE(log.machine.disk.state().pending.empty());
}

TEST(LogView, TellsWhatComesBeforeTheDamage)
{
    heard_bodies whole;
    {
        old_log log;
        ASSERT_TRUE(simulated_log<>::read_all(simulated_file_system{log.machine.disk}, whole));
    }
    for (const auto& [sequence, place] : whole.places) {
        old_log log;
        log.bytes(place.segment)[place.offset + 5] ^= 1;
        heard_bodies heard;
        const auto damage = simulated_log<>::read_all(simulated_file_system{log.machine.disk}, heard);
        ASSERT_FALSE(damage);
        EXPECT_EQ(damage.error().code, errc::corrupt);
        EXPECT_NE(damage.error().message().find(journal::segment_name(place.segment) + ": damage at offset " +
                                                std::to_string(place.offset - journal::frame_header_bytes)),
                  std::string::npos)
            << damage.error().message();
        EXPECT_EQ(heard.bodies.size(), sequence - 1);
    }
}

TEST(LogView, ATornTailIsNotDamageAndStays)
{
    old_log log;
    auto a = log.machine.start(2);
    ASSERT_TRUE(a.append("torn"));
    auto& bytes = log.bytes(log.machine.words.segment.load());
    bytes[a.heard.places.rbegin()->second.offset] ^= 1;
    const auto before = bytes;
    heard_bodies heard;
    ASSERT_TRUE(simulated_log<>::read_all(simulated_file_system{log.machine.disk}, heard));
    EXPECT_EQ(heard.bodies.size(), 7U);
    EXPECT_EQ(bytes, before);
}

TEST(LogView, MissingSegments)
{
    for (const std::uint64_t lost : {std::uint64_t{1}, std::uint64_t{2}}) {
        old_log log;
        simulated_file_system fs{log.machine.disk};
        ASSERT_TRUE(fs.remove(journal::segment_name(lost)));
        heard_bodies heard;
        EXPECT_EQ(simulated_log<>::read_all(fs, heard).error().code, errc::corrupt);
    }
    simulated_disk empty;
    heard_bodies heard;
    EXPECT_EQ(simulated_log<>::read_all(simulated_file_system{empty}, heard).error().code, errc::not_found);
}

TEST(LogView, FilesThatMayOnlyBeRead)
{
    const process_testing::temporary_directory directory;
    const std::string path = directory.path() + "/store";
    {
        real_process<> p{path};
        ASSERT_TRUE(p.append_durably("body"));
    }
    ASSERT_EQ(::chmod((path + "/" + journal::segment_name(1)).c_str(), 0400), 0);
    auto fs = journal::posix_file_system::open_folder_to_read(path);
    ASSERT_TRUE(fs);
    auto file = fs->open(journal::segment_name(1));
    ASSERT_TRUE(file);
    EXPECT_FALSE(fs->write(*file, 0, "x"));
    heard_bodies heard;
    ASSERT_TRUE(journal::log<>::read_all(std::move(*fs), heard));
    EXPECT_EQ(heard.bodies.begin()->second, "body");
}

}  // namespace
