#include "everything.hpp"

bool enqueue_one(the_queue& queue) { return queue.enqueue({.payload = "from the other unit"}).has_value(); }
