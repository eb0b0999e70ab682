# Runs the checks one after the other, each as a service of its own, and says how they ended.
source /etc/freshet-checks/settings.sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root
stty -F /dev/ttyS0 -opost cols 200 2>/dev/null
# /tmp is the disk; what the checks need that lies below the one outside stays where it is.
mkdir -p /mnt/source /mnt/build
mount --bind "$source" /mnt/source
mount --bind "$build" /mnt/build
mount -t ext4 /dev/vda /tmp
chmod 1777 /tmp
for place in source build; do
  [[ ${!place} != /tmp/* || -d ${!place}/bin ]] || { mkdir -p "${!place}" && mount --bind "/mnt/$place" "${!place}"; }
done
mount --bind "$modules" /lib/modules/"$(uname -r)" 2>/dev/null
ip link set lo up 2>/dev/null
printf 'Linux %s, systemd %s\n' "$(uname -r)" "$(systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p')"

failed=()
for check in /etc/freshet-checks/checks/*.sh; do
  name=$(basename "$check" .sh)
  begin=$SECONDS
  cat >"/run/systemd/system/check-$name.service" <<END
[Service]
Type=oneshot
TimeoutStartSec=infinity
Delegate=yes
LimitNOFILE=65536
Environment=PATH=$PATH LC_ALL=$LC_ALL HOME=$HOME BUILD=$build SOURCE=$source
ExecStart=/bin/bash $check
StandardOutput=file:/tmp/$name.log
StandardError=inherit
END
  if systemctl start "check-$name.service"; then
    printf 'passed  %s (%d s)\n' "$name" "$((SECONDS - begin))"
    sed -n 's/^figure: /          /p' "/tmp/$name.log"
  else
    printf 'FAILED  %s (%d s), its last lines:\n' "$name" "$((SECONDS - begin))"
    tail -n 120 "/tmp/$name.log"
    failed+=("$name")
  fi
done
if ((${#failed[@]})); then printf 'kernel checks: failed: %s\n' "${failed[*]}"; else echo 'kernel checks: all passed'; fi
sync
