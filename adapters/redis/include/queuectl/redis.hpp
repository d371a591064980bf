// The Redis adapter: a table of contents.
#ifndef QUEUECTL_REDIS_HPP
#define QUEUECTL_REDIS_HPP

#include <queuectl/redis/options.hpp>
#include <queuectl/redis/storage.hpp>
#include <queuectl/redis/url.hpp>

#endif
