// /proc/net, as long as there is no network: tables without rows.
#include "vfs/procfs/net.h"

namespace lodge {
namespace {

constexpr char kDev[] =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls "
    "carrier "
    "compressed\n";
constexpr char kInet[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
constexpr char kInet6[] =
    "  sl  local_address                         remote_address                        st tx_queue rx_queue "
    "tr "
    "tm->when retrnsmt   uid  timeout inode";
constexpr char kUdpTail[] = " ref pointer drops";

void show_tcp(Formatter& out, uint32_t) {
  format(out, "{:<149}\n", kInet);
}
void show_udp(Formatter& out, uint32_t) {
  format(out, " {}{:<32}\n", kInet, kUdpTail);
}
void show_tcp6(Formatter& out, uint32_t) {
  format(out, "{}\n", kInet6);
}
void show_udp6(Formatter& out, uint32_t) {
  format(out, "{}{}\n", kInet6, kUdpTail);
}
void show_route(Formatter& out, uint32_t) {
  format(out, "{:<127}\n",
         "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
}

constexpr PseudoNode kNet[] = {
    pseudo_text("arp", "IP address       HW type     Flags       HW address            Mask     Device\n"),
    pseudo_text("dev", kDev),
    pseudo_text("if_inet6", ""),
    pseudo_text("netlink",
                "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"),
    pseudo_text("packet", "sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n"),
    pseudo_file("raw", show_udp),
    pseudo_file("raw6", show_udp6),
    pseudo_file("route", show_route),
    pseudo_text("sockstat",
                "sockets: used 0\nTCP: inuse 0 orphan 0 tw 0 alloc 0 mem 0\nUDP: inuse 0 mem 0\n"),
    pseudo_file("tcp", show_tcp),
    pseudo_file("tcp6", show_tcp6),
    pseudo_file("udp", show_udp),
    pseudo_file("udp6", show_udp6),
    pseudo_text("unix", "Num       RefCount Protocol Flags    Type St Inode Path\n"),
};

}  // namespace

constinit const PseudoNode kNetDir = pseudo_dir("net", kNet);

}  // namespace lodge
