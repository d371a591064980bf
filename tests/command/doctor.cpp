// doctor: silent about a sound store; names each fault, and changes nothing.
#include "journal/store/mounts.hpp"
#include "run_command.hpp"

#include <sys/stat.h>

namespace command_tests {
namespace {

class doctor : public command_test {
protected:
    void expect_none(const std::string& store) const
    {
        const auto r = run({"doctor", "--store", store});
        EXPECT_EQ(r.code, 0) << r.out;
        EXPECT_EQ(r.out + r.err, "");
    }
    // One line for each of these, in this order, that begins so and has these words.
    struct expected {
        std::string kind;
        std::string words;
    };
    void expect_found(const std::string& store, const std::vector<expected>& all) const
    {
        const auto r = run({"doctor", "--store", store});
        EXPECT_EQ(r.code, 1) << r.err;
        EXPECT_EQ(r.err, "");
        std::stringstream lines{r.out};
        std::string line;
        for (const auto& one : all) {
            EXPECT_TRUE(std::getline(lines, line)) << one.words;
            EXPECT_EQ(line.rfind(one.kind + ": ", 0), 0u) << line;
            EXPECT_NE(line.find(one.words), std::string::npos) << one.words << " in: " << line;
        }
        EXPECT_FALSE(std::getline(lines, line)) << line;
        const auto json = run({"doctor", "--json", "--store", store});
        EXPECT_EQ(json.code, 1);
        EXPECT_NE(json.out.find("\"found\":" + std::to_string(all.size()) + ",\"findings\":[{\"kind\":\"" +
                                all.front().kind + "\",\"text\":\""),
                  std::string::npos)
            << json.out;
    }
    [[nodiscard]] pid_t start(const strings& words) const
    {
        const pid_t pid = ::fork();
        if (pid != 0) return pid;
        ::dup2(::open("/dev/null", O_RDWR), 1);
        ::dup2(1, 2);
        become(words);
    }
    static void end(pid_t pid, int signal)
    {
        ::kill(pid, signal);
        ::waitpid(pid, nullptr, 0);
    }
    void until(const strings& words, const std::string& text) const
    {
        for (int i = 0; i < 1000; ++i) {
            if (run(words).out.find(text) != std::string::npos) return;
            ::usleep(10'000);
        }
        ADD_FAILURE() << "no " << text;
    }
};
class doctor_files : public doctor {};
class doctor_redis : public doctor {};

TEST_F(doctor, finds_nothing_in_a_sound_store)
{
    expect_none(url());
    EXPECT_FALSE(store_exists());
    ok({"enqueue", "true"});
    drain();
    expect_none(url());
    EXPECT_NE(ok({"doctor", "--json"}).find("\",\"found\":0,\"findings\":[]}"), std::string::npos);
}

TEST_F(doctor, names_a_move_on_both_of_its_stores)
{
    ok({"enqueue", "while ! test -e go; do sleep 0.01; done"});
    const pid_t worker = start({"worker", "start"});
    until({"list", "--state", "processing", "--json"}, "\"id\"");
    EXPECT_EQ(run({"migrate", "--to", url("other"), "--timeout", "0.05"}).code, 75);
    expect_found(url(), {{"state", "the store is moving to "}});
    expect_found(url("other"), {{"state", "jobs are still being moved into the store from "}});
    put("go", "");
    ::waitpid(worker, nullptr, 0);
    ok({"migrate", "--to", url("other")});
    expect_found(url(), {{"state", "the store was moved to "}});
    expect_none(url("other"));
}

TEST_F(doctor, names_dead_workers_until_somebody_frees_them)
{
    const pid_t supervisor = start({"worker", "start"});
    until({"worker", "list", "--json"}, "\"role\":\"worker\"");
    expect_none(url());
    end(supervisor, SIGKILL);
    for (int i = 0; i < 1000; ++i) {  // its worker notices that it is alone, and ends
        if (run({"worker", "list", "--json"}).out.find("alive") == std::string::npos) break;
        ::usleep(10'000);
    }
    const auto r = run({"doctor"});
    EXPECT_EQ(r.code, 1);
    EXPECT_EQ(r.out.rfind("worker: ", 0), 0u) << r.out;
    EXPECT_NE(r.out.find(" has died"), std::string::npos);
    EXPECT_EQ(run({"doctor"}).out, r.out) << "it changes nothing";
    ok({"status"});
    expect_none(url());
}

TEST_F(doctor, refuses_what_it_does_not_understand)
{
    for (const strings& words :
         {strings{"doctor", "x"}, {"doctor", "--frob"}, {"doctor", "--store", "x:y"}, {"doctor", "--store", "memory:"}})
        expect_refused(run(words), {"queuectl: "});
    EXPECT_NE(ok({"doctor", "--help"}).find("Examples:"), std::string::npos);
    EXPECT_NE(ok({"--help"}).find("  doctor"), std::string::npos);
}

TEST_F(doctor_files, names_weak_durability)
{
    const auto store = "journal:" + path("j");
    ok({"enqueue", "true", "--store", store});
    expect_none(store);
    expect_found(store + "?durability=interval", {{"durability", "durability is interval"}});
    expect_found(store + "?durability=none", {{"durability", "durability is none"}});
}

TEST_F(doctor_files, names_files_that_others_reach)
{
    ok({"enqueue", "true"});
    const auto mode = [this](mode_t bits) { EXPECT_EQ(::chmod(store_path().c_str(), bits), 0); };
    mode(0744);
    expect_found(url(), {{"access", "others may read " + store_path() + " (chmod go= "}});
    mode(0766);
    expect_found(url(), {{"access", "others may write to " + store_path()}});
    mode(0700);
    expect_none(url());
    ok({"enqueue", "true"});
    std::filesystem::rename(store_path(), path("elsewhere"));
    std::filesystem::create_symlink(path("elsewhere"), store_path());
    expect_found(url(), {{"access", store_path()}});
}

TEST_F(doctor_files, names_a_disk_that_is_nearly_full)
{
    const auto disk = path("small");
    const auto store = "journal:" + disk + "/j";
    std::filesystem::create_directory(disk);
    const pid_t pid = ::fork();
    if (pid == 0) {
        if (const auto why = queuectl::journal_testing::mount_small_disk(disk, 32 << 20); !why.empty()) {
            std::printf("no file system of its own (%s): not tried\n", why.c_str());
            ::fflush(stdout);
            ::_exit(0);
        }
        expect_found(store, {{"disk", " MiB are left where " + disk}});
        ok({"enqueue", "true", "--store", store});
        expect_found(store, {{"disk", " MiB are left where " + disk + "/j is"}});
        ::_exit(HasFailure() ? 1 : 0);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
}

TEST_F(doctor_redis, names_settings_that_lose_jobs)
{
    std::filesystem::create_directory(path("a"));
    std::filesystem::create_directory(path("b"));
    const redis_process forgetful{path("a"), {"--appendonly", "no"}};
    ok({"enqueue", "true", "--store", forgetful.url("q")});
    expect_found(forgetful.url("q"), {{"setting", "appendonly is no"}});
    const redis_process evicting{
        path("b"), {"--appendfsync", "everysec", "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"}};
    ok({"enqueue", "true", "--store", evicting.url("q")});
    expect_found(evicting.url("q"),
                 {{"setting", "appendfsync is everysec"}, {"setting", "maxmemory-policy is allkeys-lru"}});
}

TEST_F(doctor_redis, a_server_that_is_not_there_is_69)
{
    const auto r = run({"doctor", "--store", "redis+unix://" + path("none.sock")});
    EXPECT_EQ(r.code, 69);
    EXPECT_EQ(r.out, "");
}

}  // namespace
}  // namespace command_tests
