// C interface to streams, events, page-locked memory and graphs of a GPU. Nothing throws: functions return
// 0, or 1 where they fail, and cuda_error() says why, for each thread. Without CUDA all fail.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

const char* cuda_error(void);

// A stream of the GPU's pool. Ids are those of c10.
int cuda_stream_new(int gpu, int64_t* id);
// Makes a stream this thread's current one, which everything is queued on.
int cuda_stream_set(int gpu, int64_t id, int64_t* before);

// An event is reached once what this thread's current stream has queued by now is done.
int cuda_event_record(int gpu, void** event);
// What this thread's current stream queues from now on waits for the event.
int cuda_event_block(void* event, int gpu);
int cuda_event_is_done(void* event, int* done);
int cuda_event_wait(void* event);
void cuda_event_free(void* event, int gpu);

// Memory of a tensor (`at::Tensor*`) is used again only when what this thread's current stream has
// queued by then is done, also where another stream made the tensor.
int cuda_record_stream(void* tensor, int gpu);

// Locks pages in memory, so that a GPU reads them itself, and lets them go.
int cuda_page_lock(void* pages, size_t length);
int cuda_page_unlock(void* pages);

// The most memory that tensors on the GPU had at once, and counting anew.
int cuda_peak_memory(int gpu, int64_t* bytes);
int cuda_reset_peak_memory(int gpu);

// A graph records what is queued on this thread's current stream, which is not the default one,
// from `begin` to `end`, and doesn't run it; `replay` runs all of it. Graphs of one `pool` share
// memory and never run at once; two zeros are a new pool, whose numbers `end` writes.
int cuda_graph_begin(const uint64_t* pool, void** graph);
int cuda_graph_end(void* graph, uint64_t* pool);
int cuda_graph_replay(void* graph);
// Also of a graph that was not ended.
void cuda_graph_free(void* graph);

#ifdef __cplusplus
}
#endif
