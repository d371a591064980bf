// The LMDB adapter: a table of contents.
#ifndef QUEUECTL_LMDB_HPP
#define QUEUECTL_LMDB_HPP

#include <queuectl/lmdb/options.hpp>
#include <queuectl/lmdb/storage.hpp>

#endif
