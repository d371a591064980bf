#include "record_compare.hpp"
#include "record_samples.hpp"

#include <gtest/gtest.h>

namespace {

using namespace queuectl;
using namespace queuectl::journal;
using queuectl::journal_testing::expect_read_back;
using queuectl::journal_testing::expect_same;
using queuectl::journal_testing::sampler;

// The only record in `bytes`.
record_view only(const std::string& bytes, record_type type)
{
    const auto record = read_record(bytes);
    if (!record) {
        ADD_FAILURE() << record.error().message();
        return {};
    }
    EXPECT_EQ(record->type, type);
    EXPECT_EQ(record->flags, 0);
    EXPECT_EQ(record->bytes, bytes.size());
    EXPECT_EQ(record_bytes(bytes), bytes.size());
    return *record;
}

constexpr std::uint64_t seed = 20;

class Records : public testing::Test {
protected:
    Records() { RecordProperty("seed", std::to_string(seed)); }
    sampler any{seed};
    std::vector<std::uint64_t> sequences;  // read
};

TEST_F(Records, ANewJob)
{
    job reused;
    for (int round = 0; round < 2000; ++round) {
        SCOPED_TRACE("seed " + std::to_string(seed) + " round " + std::to_string(round));
        job_image image;
        image.record.job = any.job();
        image.record.sequence = any.any<std::uint64_t>();
        image.record.created_at = image.record.updated_at = any.time();
        std::string bytes;
        append_job(bytes, image.record.job, image.record.sequence, image.record.created_at);
        EXPECT_LE(bytes.size(), job_bytes_max(image.record.job));
        std::string moved;
        append_job(moved, image);
        EXPECT_EQ(bytes, moved);
        expect_read_back(image, only(bytes, record_type::job).content, reused);
        if (HasFailure()) return;
    }
}

TEST_F(Records, AnImage)
{
    job reused;
    for (int round = 0; round < 1000; ++round) {
        SCOPED_TRACE("seed " + std::to_string(seed) + " round " + std::to_string(round));
        const job_image image = any.image();
        std::string bytes;
        append_job(bytes, image);
        expect_read_back(image, only(bytes, record_type::job).content, reused);
        if (HasFailure()) return;
    }
}

TEST_F(Records, AnImageWithoutAnyPart)
{
    job_image image;
    image.record.job.max_retries = 3;
    std::string bytes;
    append_job(bytes, image);
    EXPECT_EQ(bytes.size(), 12U + 38 + 3);
    job reused = any.job();
    expect_read_back(image, only(bytes, record_type::job).content, reused);
    EXPECT_FALSE(read_head(only(bytes, record_type::job).content)->has_lease);
}

TEST_F(Records, APlainJobTakesLessThan100BytesBesideItsTexts)
{
    job j = journal_testing::fixed_samples::job();
    std::string bytes;
    append_job(bytes, j, 1'000'000, j.run_at);
    EXPECT_EQ(bytes.size(), 12U + 38 + 3 + 5 + 4 + 4 + 7);
    bytes.clear();
    j.retention = std::chrono::hours{30 * 24};
    j.backoff_base = 2;
    append_job(bytes, j, 1'000'000, j.run_at + std::chrono::microseconds{400});
    EXPECT_EQ(bytes.size(), 12U + 38 + 3 + 2 + 8 + 8 + 5 + 4 + 4 + 7);
}

TEST_F(Records, AJobWithAsMuchAsItMayHave)
{
    job_image image;
    image.record.job.payload.assign(limits::payload_bytes, 'p');
    image.record.job.env.assign(limits::environment_bytes, 'e');
    image.record.job.depends_on.assign(limits::dependencies, std::string(limits::id_bytes, 'd'));
    image.record.result.assign(limits::result_bytes, 'r');
    std::string bytes;
    append_job(bytes, image);
    job reused;
    expect_read_back(image, only(bytes, record_type::job).content, reused);
}

TEST_F(Records, Claims)
{
    for (int round = 0; round < 2000; ++round) {
        const auto jobs = any.sequences();
        const std::string worker = any.text(300);
        const claim_record claim{any.id(), any.any<std::uint32_t>(), worker, any.now(), any.span(), jobs};
        std::string bytes;
        append_claim(bytes, claim);
        EXPECT_LE(bytes.size(), claim_bytes_max(jobs.size(), worker.size()));
        const auto content = only(bytes, record_type::claim).content;
        const auto read = read_claim(content, sequences);
        ASSERT_TRUE(read) << "seed " << seed << " round " << round;
        ASSERT_EQ(sequences, jobs);
        EXPECT_EQ(read->sequences.data(), sequences.data());
        EXPECT_EQ(read->sequences.size(), sequences.size());
        EXPECT_EQ(read->nonce, claim.nonce);
        EXPECT_EQ(read->first_ordinal, claim.first_ordinal);
        EXPECT_EQ(read->worker, worker);
        EXPECT_EQ(read->now.wall, claim.now.wall);
        EXPECT_EQ(read->now.boot, claim.now.boot);
        EXPECT_EQ(read->now.boot_id, claim.now.boot_id);
        EXPECT_EQ(read->lease, claim.lease);
    }
}

TEST_F(Records, ExtensionsAndRemovals)
{
    for (int round = 0; round < 2000; ++round) {
        const auto jobs = any.sequences();
        const extend_record extend{any.now(), any.span(), jobs};
        std::string bytes;
        append_extend(bytes, extend);
        EXPECT_LE(bytes.size(), extend_bytes_max(jobs.size()));
        const auto read = read_extend(only(bytes, record_type::extend).content, sequences);
        ASSERT_TRUE(read) << "seed " << seed << " round " << round;
        ASSERT_EQ(sequences, jobs);
        EXPECT_EQ(read->sequences.size(), sequences.size());
        EXPECT_EQ(read->now.wall, extend.now.wall);
        EXPECT_EQ(read->now.boot, extend.now.boot);
        EXPECT_EQ(read->now.boot_id, extend.now.boot_id);
        EXPECT_EQ(read->length, extend.length);

        bytes.clear();
        sequences.clear();
        append_remove(bytes, jobs);
        ASSERT_TRUE(read_remove(only(bytes, record_type::remove).content, sequences));
        ASSERT_EQ(sequences, jobs);
    }
}

TEST_F(Records, Ends)
{
    for (int round = 0; round < 2000; ++round) {
        SCOPED_TRACE("seed " + std::to_string(seed) + " round " + std::to_string(round));
        const auto kept = any.stored();
        const std::string error = any.coin() ? kept.run.error : any.text(limits::error_bytes);
        const std::string value = any.text(limits::result_bytes);
        end_record e;
        e.sequence = any.any<std::uint64_t>();
        e.previous = any.any<std::uint64_t>();
        e.state = any.state();
        e.now = any.time();
        e.run_at = any.time();
        e.attempts = any.any<std::int32_t>();
        e.crashes = any.any<std::int32_t>();
        e.token = any.token();
        e.was_failed = any.coin();
        e.counts_crash = any.coin();
        if (any.coin()) e.run = &kept.run;
        e.output_file = kept.output_file;
        e.set_error = any.coin();
        e.error = error;
        e.set_result = any.coin();
        e.result = value;
        e.image_bytes = any.any<std::uint32_t>();
        std::string bytes;
        append_end(bytes, e);
        EXPECT_LE(bytes.size(), end_bytes_max(e));
        const auto read = read_end(only(bytes, record_type::end).content);
        ASSERT_TRUE(read);
        EXPECT_EQ(read->sequence, e.sequence);
        EXPECT_EQ(read->previous, e.previous);
        EXPECT_EQ(read->state, e.state);
        EXPECT_EQ(read->now, e.now);
        EXPECT_EQ(read->run_at, e.run_at);
        EXPECT_EQ(read->attempts, e.attempts);
        EXPECT_EQ(read->crashes, e.crashes);
        EXPECT_EQ(read->token, e.token);
        EXPECT_EQ(read->was_failed, e.was_failed);
        EXPECT_EQ(read->counts_crash, e.counts_crash);
        EXPECT_EQ(read->has_run, e.run != nullptr);
        EXPECT_EQ(read->set_error, e.set_error);
        EXPECT_EQ(read->error, e.set_error ? error : "");
        EXPECT_EQ(read->set_result, e.set_result);
        EXPECT_EQ(read->result, e.set_result ? value : "");
        EXPECT_EQ(read->image_bytes, e.image_bytes);
        if (e.run != nullptr) {
            expect_same(kept.run, to_attempt(*read).run);
            EXPECT_EQ(to_attempt(*read).output_file, kept.output_file);
        }
        if (HasFailure()) return;
    }
}

TEST_F(Records, Changes)
{
    for (int round = 0; round < 1000; ++round) {
        const change_record c{
            any.any<std::uint64_t>(), static_cast<change_kind>(1 + any.below(5)), any.state(), any.time(), any.time(),
            any.any<std::int8_t>()};
        std::string bytes;
        append_change(bytes, c);
        const auto read = read_change(only(bytes, record_type::change).content);
        ASSERT_TRUE(read) << "seed " << seed << " round " << round;
        EXPECT_EQ(read->sequence, c.sequence);
        EXPECT_EQ(read->kind, c.kind);
        EXPECT_EQ(read->state, c.state);
        EXPECT_EQ(read->now, c.now);
        EXPECT_EQ(read->run_at, c.run_at);
        EXPECT_EQ(read->priority, c.priority);
    }
}

TEST_F(Records, SettingsQueuesAndTheHeader)
{
    std::vector<std::string_view> read_names;
    for (int round = 0; round < 1000; ++round) {
        const config_entry entry{any.text(limits::key_bytes), any.text(limits::config_value_bytes),
                                 any.any<std::uint64_t>(), any.time()};
        std::string bytes;
        append_config(bytes, entry);
        const auto read = read_config(only(bytes, record_type::config).content);
        ASSERT_TRUE(read) << "seed " << seed << " round " << round;
        EXPECT_EQ(read->key, entry.key);
        EXPECT_EQ(read->value, entry.value);
        EXPECT_EQ(read->version, entry.version);
        EXPECT_EQ(read->expires_at, entry.expires_at);

        bytes.clear();
        append_unconfig(bytes, entry.key, entry.version);
        const auto erased = read_unconfig(only(bytes, record_type::unconfig).content);
        ASSERT_TRUE(erased);
        EXPECT_EQ(erased->key, entry.key);
        EXPECT_EQ(erased->version, entry.version);

        std::vector<std::string> texts(any.below(50));
        for (auto& text : texts) text = any.text(limits::name_bytes);
        const std::vector<std::string_view> names{texts.begin(), texts.end()};
        bytes.clear();
        append_queues(bytes, names);
        ASSERT_TRUE(read_queues(only(bytes, record_type::queues).content, read_names));
        EXPECT_EQ(read_names, names);

        const header_record header{any.time(), any.any<std::uint8_t>(), entry.key};
        bytes.clear();
        append_header(bytes, header);
        const auto read_back = read_header(only(bytes, record_type::header).content);
        ASSERT_TRUE(read_back);
        EXPECT_EQ(read_back->created_at, header.created_at);
        EXPECT_EQ(read_back->state, header.state);
        EXPECT_EQ(read_back->moved_to, header.moved_to);
    }
}

TEST_F(Records, OneBehindTheOther)
{
    std::string body;
    std::vector<std::size_t> begins;
    for (const auto& record : journal_testing::fixed_samples::all()) {
        begins.push_back(body.size());
        body += record;
    }
    std::string appended;
    const job j = journal_testing::fixed_samples::job();
    append_job(appended, j, 16, j.run_at);
    append_job(appended, journal_testing::fixed_samples::image());
    EXPECT_EQ(appended, body.substr(0, begins[2]));
    std::size_t at = 0;
    for (const auto begin : begins) {
        EXPECT_EQ(at, begin);
        const auto record = read_record(std::string_view{body}.substr(at));
        ASSERT_TRUE(record);
        at += record->bytes;
    }
    EXPECT_EQ(at, body.size());
}

TEST_F(Records, NewerTypesAndParts)
{
    std::string bytes;
    append_header(bytes, {});
    const auto sealed = [&] {
        journal::detail::store_le(bytes.data(), crc32c(std::string_view{bytes}.substr(4)));
        return read_record(bytes);
    };
    for (const int type : {0, 11, 77, 255}) {
        bytes[8] = static_cast<char>(type);
        bytes[9] = 0;
        EXPECT_EQ(sealed().error().code, errc::wrong_version) << type;
        bytes[9] = flag_skippable;
        EXPECT_TRUE(sealed()) << type;
    }
    job reused;
    bytes.clear();
    append_job(bytes, journal_testing::fixed_samples::job(), 1, {});
    auto content = bytes.substr(record_header_bytes);
    content[19] = 1;
    EXPECT_EQ(read_head(content).error().code, errc::wrong_version);
    EXPECT_EQ(read_image(content).error().code, errc::wrong_version);
    EXPECT_EQ(read_job(content, reused).error().code, errc::wrong_version);
}

}  // namespace
