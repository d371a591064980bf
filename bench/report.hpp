// What every benchmark needs: one line a figure, times, medians.
#ifndef QUEUECTL_BENCH_REPORT_HPP
#define QUEUECTL_BENCH_REPORT_HPP

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

// The seconds that f() takes.
template <class F>
[[nodiscard]] double seconds(F&& f)
{
    const auto start = std::chrono::steady_clock::now();
    f();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The median of what f() returns in `times` calls, after one that is not counted.
template <class F>
[[nodiscard]] double median(int times, F&& f)
{
    static_cast<void>(f());
    std::vector<double> values;
    for (int i = 0; i < times; ++i) values.push_back(f());
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// The median rates of two measurements taken in turn, each time in the other order than before, and the median of their
// ratios: the machine's pace changes, and who comes second must not always pay for the first.
struct compared {
    double ours = 0;
    double theirs = 0;
    double ratio = 0;
};
template <class Ours, class Theirs>
[[nodiscard]] compared medians(int times, Ours&& ours, Theirs&& theirs)
{
    std::vector<double> all[3];
    for (int i = 0; i <= times; ++i) {
        const bool first = i % 2 == 0;
        const double before = first ? 0 : theirs();
        const double x = ours();
        const double y = first ? theirs() : before;
        if (i == 0) continue;
        all[0].push_back(x);
        all[1].push_back(y);
        all[2].push_back(x / y);
    }
    for (auto& values : all) std::sort(values.begin(), values.end());
    const auto middle = all[0].size() / 2;
    return {all[0][middle], all[1][middle], all[2][middle]};
}

// Prints figures to stdout: `name value unit ratio versus`, tab-separated, or with --json an object a line. The ratio
// is ours divided by the other's, for what is better when larger; "-" where nothing is compared.
class report {
public:
    report(int argc, char** argv)
    {
        for (int i = 1; i < argc; ++i) json_ = json_ || std::string_view{argv[i]} == "--json";
    }

    void figure(std::string_view name, double value, std::string_view unit) const { print(name, value, unit, 0, {}); }
    void figure(std::string_view name, double value, std::string_view unit, double ratio, std::string_view versus) const
    {
        print(name, value, unit, ratio, versus);
    }

private:
    void print(std::string_view name, double value, std::string_view unit, double ratio, std::string_view versus) const
    {
        char value_text[32];
        const bool whole = std::fabs(value) >= 1000;
        std::snprintf(value_text, sizeof value_text, whole ? "%.0f" : "%.4g", value);
        char ratio_text[32] = "-";
        if (!versus.empty()) std::snprintf(ratio_text, sizeof ratio_text, "%.2f", ratio);
        if (json_)
            std::printf("{\"name\":\"%s\",\"value\":%s,\"unit\":\"%s\",\"ratio\":%s,\"versus\":%s}\n",
                        text(name).c_str(), value_text, text(unit).c_str(), versus.empty() ? "null" : ratio_text,
                        versus.empty() ? "null" : ('"' + text(versus) + '"').c_str());
        else
            std::printf("%s\t%s\t%s\t%s\t%s\n", text(name).c_str(), value_text, text(unit).c_str(), ratio_text,
                        versus.empty() ? "-" : text(versus).c_str());
        std::fflush(stdout);
    }
    [[nodiscard]] static std::string text(std::string_view view) { return std::string{view}; }

    bool json_ = false;
};

}  // namespace bench

#endif
