// The portable core in one include: nothing but the standard library. By name besides, on POSIX systems:
// <queuectl/executor/process.hpp>, <queuectl/supervisor.hpp>; for tests: <queuectl/testing/…>; storages of the
// adapters: <queuectl/sqlite.hpp>.
#ifndef QUEUECTL_QUEUECTL_HPP
#define QUEUECTL_QUEUECTL_HPP

// Words: what a job is, how it is claimed and settled, what can go wrong.
#include <queuectl/error.hpp>
#include <queuectl/job.hpp>
#include <queuectl/lease.hpp>
#include <queuectl/limits.hpp>
#include <queuectl/new_job.hpp>
#include <queuectl/result.hpp>
#include <queuectl/state.hpp>
#include <queuectl/time.hpp>
#include <queuectl/uid.hpp>

// The queue and its worker.
#include <queuectl/options.hpp>
#include <queuectl/queue.hpp>
#include <queuectl/run_summary.hpp>
#include <queuectl/stop.hpp>
#include <queuectl/traits.hpp>

// Where jobs live.
#include <queuectl/facets.hpp>
#include <queuectl/storage.hpp>
#include <queuectl/storage/memory.hpp>
#include <queuectl/storage_ref.hpp>

// What runs them.
#include <queuectl/context.hpp>
#include <queuectl/executor.hpp>
#include <queuectl/executor/inline.hpp>
#include <queuectl/executor/none.hpp>
#include <queuectl/executor/thread_pool.hpp>
#include <queuectl/handler.hpp>
#include <queuectl/handlers.hpp>
#include <queuectl/payload.hpp>

// How failures wait.
#include <queuectl/backoff.hpp>
#include <queuectl/backoff/capped.hpp>
#include <queuectl/backoff/constant.hpp>
#include <queuectl/backoff/exponential.hpp>
#include <queuectl/backoff/geometric.hpp>
#include <queuectl/backoff/jittered.hpp>
#include <queuectl/backoff/linear.hpp>

#endif
