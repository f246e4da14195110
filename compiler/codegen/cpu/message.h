// For tests: numbers and byte strings between this process and a program that it runs.
#ifndef STATOR_COMPILER_CODEGEN_CPU_MESSAGE_H_
#define STATOR_COMPILER_CODEGEN_CPU_MESSAGE_H_

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

namespace stator::compiler {

// What one side puts the other gets, in the same order. Both sides are little endian.
class Message {
 public:
  Message() = default;
  explicit Message(std::string bytes) : bytes_(std::move(bytes)) {}

  const std::string& bytes() const { return bytes_; }

  void Put(int64_t number) { bytes_.append(reinterpret_cast<const char*>(&number), 8); }
  void Put(const void* data, size_t size) {
    Put(static_cast<int64_t>(size));
    if (size != 0) bytes_.append(static_cast<const char*>(data), size);
  }
  void Put(const std::string& text) { Put(text.data(), text.size()); }

  // Aborts when there is nothing left: the two sides disagree.
  int64_t GetNumber() {
    int64_t number;
    std::memcpy(&number, Take(8), 8);
    return number;
  }
  std::string GetString() {
    const auto size = static_cast<size_t>(GetNumber());
    return std::string(Take(size), size);
  }

 private:
  const char* Take(size_t size) {
    if (size > bytes_.size() - next_) std::abort();
    next_ += size;
    return bytes_.data() + next_ - size;
  }

  std::string bytes_;
  size_t next_ = 0;
};

// False when the other side has ended. The length goes first.
inline bool Send(int socket, const Message& message) {
  const auto length = static_cast<uint64_t>(message.bytes().size());
  auto send_all = [socket](const char* data, size_t size) {
    while (size > 0) {
      const ssize_t sent = send(socket, data, size, MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return false;
      data += sent;
      size -= static_cast<size_t>(sent);
    }
    return true;
  };
  return send_all(reinterpret_cast<const char*>(&length), 8) &&
         send_all(message.bytes().data(), message.bytes().size());
}

inline bool Receive(int socket, Message* message) {
  auto receive_all = [socket](char* data, size_t size) {
    while (size > 0) {
      const ssize_t received = recv(socket, data, size, 0);
      if (received < 0 && errno == EINTR) continue;
      if (received <= 0) return false;
      data += received;
      size -= static_cast<size_t>(received);
    }
    return true;
  };
  uint64_t length = 0;
  if (!receive_all(reinterpret_cast<char*>(&length), 8)) return false;
  std::string bytes(length, '\0');
  if (!receive_all(bytes.data(), bytes.size())) return false;
  *message = Message(std::move(bytes));
  return true;
}

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_MESSAGE_H_
