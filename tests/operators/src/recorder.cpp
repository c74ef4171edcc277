// Writes down the operators that this thread calls, with their arguments.
#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <ATen/record_function.h>

#include <sstream>
#include <string>

namespace {

thread_local std::ostringstream calls;
thread_local std::string recorded;

void write_tensor(const at::Tensor& tensor) {
  if (!tensor.defined()) {
    calls << "none";
  } else if (tensor.unsafeGetTensorImpl()->is_wrapped_number() && tensor.dtype() == at::kDouble) {
    calls << *tensor.const_data_ptr<double>();
  } else {
    calls << tensor.scalar_type() << tensor.sizes();
  }
}

void write(const c10::IValue& value) {
  if (value.isTensor()) {
    write_tensor(value.toTensor());
  } else if (value.isTensorList()) {
    for (const at::Tensor& tensor : value.toTensorVector()) {
      write_tensor(tensor);
    }
  } else {
    calls << value;
  }
}

std::unique_ptr<at::ObserverContext> write_call(const at::RecordFunction& function) {
  auto name = function.operator_name();
  // Nodes of a backward pass, whose operators are written by themselves.
  if (!name) {
    return nullptr;
  }
  calls << *name;
  for (const c10::IValue& input : function.inputs()) {
    calls << ' ';
    write(input);
  }
  calls << '\n';
  return nullptr;
}

} // namespace

extern "C" uint64_t operators_start(void) {
  calls.str("");
  calls.precision(17);
  return at::addThreadLocalCallback(at::RecordFunctionCallback(write_call).needsInputs(true));
}

// The calls since `operators_start`, a line each; valid until the next call.
extern "C" const char* operators_stop(uint64_t handle) {
  at::removeCallback(handle);
  recorded = calls.str();
  return recorded.c_str();
}
