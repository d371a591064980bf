#ifndef EVERYTHING_HPP
#define EVERYTHING_HPP

#include <queuectl/executor/process.hpp>
#include <queuectl/queuectl.hpp>
#include <queuectl/supervisor.hpp>
#include <queuectl/testing/model.hpp>
#include <queuectl/testing/virtual_time.hpp>

using the_queue =
    queuectl::basic_queue<queuectl::memory_storage, queuectl::inline_executor<bool (*)(const queuectl::job&)>>;

bool enqueue_one(the_queue& queue);
bool handle(const queuectl::job& j);

#endif
