// What the files of the interface share.
#pragma once

#include <chrono>
#include <exception>
#include <mutex>
#include <string>

#include <c10/util/Exception.h>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "c10d.h"

struct group_store {
  c10::intrusive_ptr<c10d::TCPStore> store;
};

struct group_group {
  c10::intrusive_ptr<c10d::Backend> backend;
  // The first failure inside a function that can't return one. Backward passes of a GPU are on a
  // thread of libtorch.
  std::mutex mutex;
  std::string failure;
};

namespace twinview {

void set_error(const char* message);

// Addresses have no other names in this program: see names.cpp.
void numeric_names();

// Runs `body`; where it throws, keeps the message for `keep` and gives `failed`.
template <class Result, class Body, class Keep>
Result guarded(Result failed, Body body, Keep keep) {
  try {
    return body();
  } catch (const c10::Error& error) {
    keep(error.what_without_backtrace());
  } catch (const std::exception& error) {
    keep(error.what());
  } catch (...) {
    keep("unknown exception");
  }
  return failed;
}

template <class Result, class Body>
Result guarded(Result failed, Body body) {
  return guarded(failed, body, set_error);
}

inline at::Tensor& tensor(void* pointer) {
  return *static_cast<at::Tensor*>(pointer);
}

c10::intrusive_ptr<c10d::Backend> nccl(
    const c10::intrusive_ptr<c10d::Store>& store,
    int rank,
    int size,
    std::chrono::milliseconds timeout);

} // namespace twinview
