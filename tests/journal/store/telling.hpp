// All that a journal tells, as text; and its index taken away, so that it is made anew.
#ifndef QUEUECTL_TESTS_JOURNAL_STORE_TELLING_HPP
#define QUEUECTL_TESTS_JOURNAL_STORE_TELLING_HPP

#include "journal/store/folder.hpp"

#include <algorithm>

namespace queuectl::journal_testing {

// Everything that a store tells, as text.
inline std::string tell(const job_record& r)
{
    std::string text = r.job.id + '|' + r.job.queue + '|' + r.job.payload + '|' + r.job.tag + '|' +
                       std::string{name(r.state)} + '|' + r.error + '|' + r.result + '|' + r.locked_by;
    for (const auto n :
         {std::int64_t{r.attempts}, std::int64_t{r.crashes}, std::int64_t{r.exit_code}, std::int64_t{r.job.priority},
          std::int64_t(r.sequence), std::int64_t{r.cancel_requested}, std::int64_t(r.token.nonce.low),
          std::int64_t(r.settled_token.nonce.low), r.job.run_at.time_since_epoch().count(),
          r.updated_at.time_since_epoch().count(), r.created_at.time_since_epoch().count()})
        text += '|' + std::to_string(n);
    return text;
}
inline std::string tell_all(journal_storage& store)
{
    std::string text;
    std::vector<job_record> records;
    for (page_request page;;) {
        auto next = store.list({}, page, records);
        EXPECT_TRUE(next) << next.error().message();
        if (!next || *next == 0) break;
        page.after = *next;
    }
    for (const auto& r : records) {
        text += tell(r) + '\n';
        std::vector<attempt> runs;
        EXPECT_TRUE(store.attempts(r.job.id, runs));
        for (const auto& run : runs) {
            text += "  " + std::to_string(run.number) + ' ' + run.error + ' ' + std::to_string(run.output_bytes);
            if (auto out = store.output(r.job.id, run.number)) text += ' ' + out->head.substr(0, 20);
            text += '\n';
        }
    }
    std::vector<queue_counts> counts;
    EXPECT_TRUE(store.counts(counts));
    std::sort(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.queue < b.queue; });
    for (const auto& c : counts) {
        text += c.queue;
        for (const auto n : c.by_state) text += ' ' + std::to_string(n);
        text += '\n';
    }
    std::vector<config_entry> entries;
    EXPECT_TRUE(store.config_list("", entries, {}));
    for (const auto& e : entries) text += e.key + '=' + e.value + '@' + std::to_string(e.version) + '\n';
    return text;
}

// No process has the store open.
inline void drop_index(const store_folder& folder)
{
    for (const auto& file : std::filesystem::directory_iterator{folder.path()})
        if (file.path().filename().string().starts_with("index.")) std::filesystem::resize_file(file.path(), 0);
}

}  // namespace queuectl::journal_testing

#endif
