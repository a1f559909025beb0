"""What each key is for, in a sentence: for the reference and for editors."""

from __future__ import annotations

SECTIONS = {
    "device": "Which box this is, to the server and to people.",
    "storage": "Where samples are kept.",
    "storage.retention": "For how long they are kept, and how exactly: as they were sampled; then the least, greatest,"
    " mean and last of a minute; then of five; then not at all. What is still to be sent stays as it was sampled.",
    "storage.archive": "A file for each day with every sample of it, packed ([export.md](export.md#the-archive)).",
    "remote": "Where they are sent, and how.",
    "remote.priority": "How long samples may wait: critical ones are sent at once, normal ones every"
    " `remote.upload_interval`.",
    "remote.backfill": "How what waited through an outage is sent behind what is new.",
    "remote.auth": "Who this box is to the server. The secret itself is what is in `/etc/belabox-metrics/api-token`.",
    "remote.tls": "Certificates, where the usual ones of the system are not enough.",
    "remote.retry": "What happens after a failure.",
    "health": "The page and the documents of the health socket.",
    "health.degraded_threshold": "From where on `/health` says `degraded`.",
    "health.error_threshold": "From where on it says `error`: when both are exceeded.",
    "logging": "What reaches the journal.",
    "monitoring": "How the clock of this box is watched.",
}

KEYS = {
    "device.id": "The name of this box in everything that is sent. Needed.",
    "device.name": "A name for people.",
    "device.location": "Where it is, for people.",
    "storage.path": "The database. Below `/var/lib` or a mounted disk; not where the jobs see another file system.",
    "storage.wal_checkpoint_interval": "How often the database is tidied up.",
    "storage.wal_checkpoint_size_mb": "Its write-ahead log is folded in when it is larger than this.",
    "storage.max_size": "How much room it may take. Beyond this the least important samples go, the oldest first.",
    "storage.reserve": "How much of the disk it leaves to others, a twentieth of it at most.",
    "storage.retention.full_resolution": "As they were sampled.",
    "storage.retention.aggregated_1m": "By the minute, counted from now.",
    "storage.retention.aggregated_5m": "By five minutes, counted from now; events until then too.",
    "storage.archive.enabled": "Whether there are such files.",
    "storage.archive.path": "The directory they are in; `archive` beside the database unless given. The user `metrics`"
    " must own it.",
    "storage.archive.keep": "For how long after its end a day is kept.",
    "remote.url": "The import URL of the server, as `http://localhost:8428/api/v1/import`. Without one everything stays"
    " on the box.",
    "remote.enabled": "Whether anything is sent.",
    "remote.upload_interval": "How often.",
    "remote.timeout": "How long one request may take.",
    "remote.compression": "Whether what is sent is compressed.",
    "remote.batch_size": "Samples in one upload.",
    "remote.chunk_size": "Samples in one request of it.",
    "remote.format": "What the server understands.",
    "remote.mode": "How much is dared on a bad link; `auto` finds out.",
    "remote.query_url": "Where `verify` asks what has arrived, if not beside `remote.url`.",
    "remote.priority.high": "The longest that samples of priority 1 wait.",
    "remote.priority.low": "The longest that samples of priority 3 wait.",
    "remote.backfill.enabled": "Whether what waited is sent behind what is new, or in its order.",
    "remote.backfill.bandwidth_limit": "How much of the measured rate it may take while a stream is live.",
    "remote.backfill.rate_limit": "How many requests it may make while a stream is live.",
    "remote.backfill.unlimited_when_idle": "Whether both limits hold only while a stream is live.",
    "remote.auth.type": "How the secret is shown to the server.",
    "remote.auth.username": "The user, for `basic`.",
    "remote.auth.header": "The name of the header, for `header`.",
    "remote.tls.ca_file": "Who signed the server's certificate.",
    "remote.tls.client_certificate": "The certificate by which this box shows who it is.",
    "remote.tls.client_key": "Its key.",
    "remote.retry.enabled": "Whether to try again before the next upload is due.",
    "remote.retry.max_attempts": "How often; from then on `remote.upload_interval` decides.",
    "remote.retry.initial_backoff": "The first wait.",
    "remote.retry.max_backoff": "The longest wait.",
    "remote.retry.backoff_multiplier": "How many times longer each wait is than the one before.",
    "remote.retry.jitter_percent": "By how much each wait is shorter or longer, at random.",
    "health.enabled": "Whether there is a health socket.",
    "health.listen": "Its address. `:9100` answers all networks of the box, as far as `allow` and the token say.",
    "health.port": "Only the port of it.",
    "health.path": "Another name of `/health`.",
    "health.allow": "Private networks that are answered without the token; with a `token_file` none, unless it is"
    " given. The box itself always is.",
    "health.token_file": "What is in it is the token that all others must show ([page.md](page.md)).",
    "health.degraded_threshold.pending_metrics": "Samples that wait to be sent.",
    "health.degraded_threshold.upload_age_seconds": "Seconds since the last upload; best twice"
    " `remote.upload_interval`.",
    "health.error_threshold.pending_metrics": "Samples that wait to be sent.",
    "health.error_threshold.upload_age_seconds": "Seconds since the last upload.",
    "logging.level": "The least severe that is recorded. Records of single runs are notices: `warn` leaves them out.",
    "logging.format": "The journal stores fields and shows either: `journalctl -o json`.",
    "logging.output": "All of them are the journal.",
    "monitoring.clock_skew_check_interval": "How often the clock is compared with the server's.",
    "monitoring.clock_skew_warn_threshold_ms": "From which difference on that is a warning.",
    "monitoring.clock_skew_url": "Whose clock, if not the server's of `remote.url`.",
}

METRICS = {
    "name": "Which metric.",
    "interval": "How often it is collected. The best intervals divide a minute, an hour or a day.",
    "enabled": "Whether it is collected.",
    "priority": "What is sent first: 0 critical, 1 high, 2 normal, 3 low. Each metric has a default.",
    "config": "Settings of this metric.",
    "exec": "For one of your own: the name of a program in `/etc/belabox-metrics/collectors.d`.",
}

SETTINGS = {
    "disk.io.allowed_devices": "Regular expression for the whole name of a device; empty is sd*, nvme*, mmcblk*, vd*,"
    " xvd*.",
    "encoder.progress_file": "The file of `ffmpeg -progress`.",
    "encoder.statistics_file": "The file of `srt-live-transmit -statsout`.",
    "encoder.stale_after": "From which age on such a file tells of a stream that is over.",
    "gps.port": "Of gpsd on this box.",
    "gps.timeout": "For a fix and the satellites, 15s at most.",
    "network.traffic.include_ifaces": "Regular expressions for whole names of interfaces; none is all that are not"
    " excluded.",
    "network.traffic.exclude_ifaces": "Regular expressions for whole names of interfaces that are no uplinks.",
    "network.traffic.max_interfaces": "More are counted, not recorded.",
    "srt.packet_loss.url": "The relay's page of statistics.",
    "srt.packet_loss.file": "A file of statistics on this box.",
    "srt.packet_loss.timeout": "For the page, 15s at most.",
    "srt.packet_loss.stale_after": "From which age on the file tells of a stream that is over.",
    "srt.relay.url": "The relay's page of statistics.",
    "srt.relay.timeout": "For the page, 15s at most.",
    "stream.links.url": "The relay's page of statistics, for how much of what is sent arrives.",
    "stream.links.timeout": "For the page, 15s at most.",
    "stream.links.telemetry": "The file that a sender with telemetry writes.",
    "stream.links.stale_after": "From which age on that file tells of a stream that is over.",
}

ALERTS = {
    "metric": "Whose values are judged.",
    "series": "Which of its series.",
    "tags": "Only samples that have these tags.",
    "above": "Critical from here on up; a percentage where there is `of`.",
    "below": "Critical from here on down; a percentage where there is `of`.",
    "of": "The series of which the limit is a part.",
    "for": "How long without a break.",
    "clear": "From where on it is over; by default a tenth back.",
    "enabled": "Whether it is judged.",
}
