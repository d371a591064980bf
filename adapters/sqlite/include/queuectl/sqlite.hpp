// The SQLite adapter: a table of contents.
#ifndef QUEUECTL_SQLITE_HPP
#define QUEUECTL_SQLITE_HPP

#include <queuectl/sqlite/options.hpp>
#include <queuectl/sqlite/storage.hpp>

#endif
