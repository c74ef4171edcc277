// c10d asks the name server for the name of every address that it connects to, for its messages
// alone. Where no name server answers, that takes seconds for each connection, and joining fails.
// This getnameinfo stands before the C library's for all of the program: an address is its own name.
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <cstdio>

#include "group.hpp"

// The linker takes this file because something in it is asked for.
void twinview::numeric_names() {}

extern "C" __attribute__((visibility("default"))) int getnameinfo(
    const sockaddr* address,
    socklen_t,
    char* host,
    socklen_t host_room,
    char* service,
    socklen_t service_room,
    int) {
  const void* number = nullptr;
  in_port_t port = 0;
  if (address->sa_family == AF_INET) {
    auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    number = &v4->sin_addr;
    port = v4->sin_port;
  } else if (address->sa_family == AF_INET6) {
    auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    number = &v6->sin6_addr;
    port = v6->sin6_port;
  } else {
    return EAI_FAMILY;
  }
  if (host && host_room && !inet_ntop(address->sa_family, number, host, host_room)) {
    return EAI_OVERFLOW;
  }
  if (service && service_room) {
    auto length = std::snprintf(service, service_room, "%u", unsigned{ntohs(port)});
    if (length < 0 || static_cast<socklen_t>(length) >= service_room) {
      return EAI_OVERFLOW;
    }
  }
  return 0;
}
