// A verb's arguments as tables of SQL, so that one statement does a whole batch.
#ifndef QUEUECTL_SQLITE_ROWS_HPP
#define QUEUECTL_SQLITE_ROWS_HPP

#include <queuectl/time.hpp>

#include <sqlite3.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace queuectl::inline v0::detail::sqlite {

// What `FROM queuectl_…(?1)` shows when this is bound to ?1. It and its rows must live until the last step.
struct row_source {
    std::size_t size = 0;
    const void* rows = nullptr;
    void (*give)(const void* rows, std::size_t row, int column, sqlite3_context* out) = nullptr;
};

// A Row has `void give(int column, sqlite3_context* out) const`, with columns in the order of its table's declaration.
template <class Row>
[[nodiscard]] row_source source_of(const std::vector<Row>& rows)
{
    return {rows.size(), rows.data(), [](const void* all, std::size_t row, int column, sqlite3_context* out) {
                static_cast<const Row*>(all)[row].give(column, out);
            }};
}

// The value of a column; its bytes must live as long as the rows.
inline void give(sqlite3_context* out, std::int64_t v) { sqlite3_result_int64(out, v); }
inline void give(sqlite3_context* out, timestamp v) { sqlite3_result_int64(out, v.time_since_epoch().count()); }
inline void give(sqlite3_context* out, duration v) { sqlite3_result_int64(out, v.count()); }
inline void give_text(sqlite3_context* out, std::string_view v)
{
    sqlite3_result_text64(out, v.data() == nullptr ? "" : v.data(), v.size(), SQLITE_STATIC, SQLITE_UTF8);
}
inline void give_blob(sqlite3_context* out, std::string_view v)
{
    sqlite3_result_blob64(out, v.data() == nullptr ? "" : v.data(), v.size(), SQLITE_STATIC);
}
// Empty = NULL.
inline void give_text_or_null(sqlite3_context* out, std::string_view v)
{
    if (!v.empty()) give_text(out, v);
}
inline void give_blob_or_null(sqlite3_context* out, std::string_view v)
{
    if (!v.empty()) give_blob(out, v);
}

inline constexpr char row_pointer[] = "queuectl rows";

// The table-valued functions: read-only virtual tables that exist on a connection without being made.
class row_tables {
public:
    // On this connection; again does no harm. SQLITE_OK or an error.
    [[nodiscard]] static int add_to(sqlite3* db)
    {
        struct table {
            const char* name;
            const char* declaration;
        };
        static constexpr table tables[] = {
            {"queuectl_new_jobs",
             "CREATE TABLE x(sequence,id,queue,kind,priority,run_at,hold,max_retries,timeout,retention,backoff_base,"
             "nonce,tag,key,unique_key,batch,depends_on,cwd,env,payload,lane,source HIDDEN)"},
            {"queuectl_taken", "CREATE TABLE x(sequence,token,source HIDDEN)"},
            {"queuectl_completed",
             "CREATE TABLE x(sequence,token,attempts,runs,exit_code,signal,result,started_at,ended_at,worker,"
             "source HIDDEN)"},
        };
        for (const auto& t : tables) {
            const int rc = sqlite3_create_module_v2(db, t.name, &module, const_cast<char*>(t.declaration), nullptr);
            if (rc != SQLITE_OK) return rc;
        }
        return SQLITE_OK;
    }

private:
    struct cursor {
        sqlite3_vtab_cursor base;
        const row_source* source;
        std::size_t row;
    };
    static cursor& of(sqlite3_vtab_cursor* c) { return *reinterpret_cast<cursor*>(c); }

    static int connect(sqlite3* db, void* declaration, int, const char* const*, sqlite3_vtab** out, char**)
    {
        if (const int rc = sqlite3_declare_vtab(db, static_cast<const char*>(declaration)); rc != SQLITE_OK) return rc;
        sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
        *out = static_cast<sqlite3_vtab*>(sqlite3_malloc(sizeof(sqlite3_vtab)));
        if (*out == nullptr) return SQLITE_NOMEM;
        **out = {};
        return SQLITE_OK;
    }
    static int disconnect(sqlite3_vtab* table)
    {
        sqlite3_free(table);
        return SQLITE_OK;
    }
    // The source is an argument: its column is compared with it.
    static int best_index(sqlite3_vtab*, sqlite3_index_info* info)
    {
        for (int i = 0; i < info->nConstraint; ++i) {
            if (info->aConstraint[i].usable == 0 || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
            info->aConstraintUsage[i].argvIndex = 1;
            info->aConstraintUsage[i].omit = 1;
            info->estimatedCost = 1;
            return SQLITE_OK;
        }
        return SQLITE_CONSTRAINT;
    }
    static int open(sqlite3_vtab*, sqlite3_vtab_cursor** out)
    {
        auto* const made = static_cast<cursor*>(sqlite3_malloc(sizeof(cursor)));
        if (made == nullptr) return SQLITE_NOMEM;
        *made = {};
        *out = &made->base;
        return SQLITE_OK;
    }
    static int close(sqlite3_vtab_cursor* c)
    {
        sqlite3_free(&of(c));
        return SQLITE_OK;
    }
    static int filter(sqlite3_vtab_cursor* c, int, const char*, int, sqlite3_value** arguments)
    {
        of(c).source = static_cast<const row_source*>(sqlite3_value_pointer(arguments[0], row_pointer));
        of(c).row = 0;
        return SQLITE_OK;
    }
    static int next(sqlite3_vtab_cursor* c)
    {
        ++of(c).row;
        return SQLITE_OK;
    }
    static int eof(sqlite3_vtab_cursor* c) { return of(c).source == nullptr || of(c).row >= of(c).source->size; }
    static int column(sqlite3_vtab_cursor* c, sqlite3_context* out, int n)
    {
        of(c).source->give(of(c).source->rows, of(c).row, n, out);
        return SQLITE_OK;
    }
    static int rowid(sqlite3_vtab_cursor* c, sqlite3_int64* out)
    {
        *out = static_cast<sqlite3_int64>(of(c).row);
        return SQLITE_OK;
    }

    static constexpr sqlite3_module made_of()
    {
        sqlite3_module m{};
        m.xConnect = &connect;
        m.xBestIndex = &best_index;
        m.xDisconnect = &disconnect;
        m.xOpen = &open;
        m.xClose = &close;
        m.xFilter = &filter;
        m.xNext = &next;
        m.xEof = &eof;
        m.xColumn = &column;
        m.xRowid = &rowid;
        return m;
    }
    static const sqlite3_module module;
};
inline const sqlite3_module row_tables::module = row_tables::made_of();

}  // namespace queuectl::inline v0::detail::sqlite

#endif
