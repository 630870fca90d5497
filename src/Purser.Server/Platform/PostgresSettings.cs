namespace Purser.Server.Platform;

/// <summary>The settings of the private PostgreSQL: durable without exception, and fit for one small machine that it
/// shares with Purser.</summary>
static class PostgresSettings
{
    const long MegaByte = 1 << 20;

    public static string Text(
        PostgresPlace place, string logs, string custom, long memoryBytes, long freeDiskBytes, string walCompression)
    {
        var bufferMegabytes = Math.Clamp(memoryBytes / 8 / MegaByte, 32, 256);
        var cacheMegabytes = Math.Max(memoryBytes / 2 / MegaByte, 256);
        // Write-ahead log is kept and used again: several GB of it remove stalls, but never at the price of the disk.
        var walMegabytes = Math.Clamp(freeDiskBytes / 4 / MegaByte, 128, 8192);
        var walKeptMegabytes = Math.Clamp(walMegabytes / 4, 80, 2048);
        return $"""
            # Written by Purser at every start. Your own settings belong into {custom}, which has the last word.
            listen_addresses = {Quote(place.SocketFolder is null || place.Port > 0 ? "127.0.0.1" : "")}
            port = {place.EffectivePort}
            unix_socket_directories = {Quote(place.SocketFolder ?? "")}
            unix_socket_permissions = 0700
            password_encryption = scram-sha-256
            max_connections = 100

            # Nothing answered with success may be lost.
            fsync = on
            synchronous_commit = on
            full_page_writes = on

            shared_buffers = {bufferMegabytes}MB
            effective_cache_size = {cacheMegabytes}MB
            work_mem = 8MB
            maintenance_work_mem = 128MB
            min_wal_size = {walKeptMegabytes}MB
            max_wal_size = {walMegabytes}MB
            wal_compression = {walCompression}
            checkpoint_timeout = 15min
            random_page_cost = 1.1
            autovacuum_naptime = 15s

            # Statements are short here. Compiling them, or spreading one over several cores, takes time from payments.
            jit = off
            max_parallel_workers_per_gather = 0
            max_parallel_maintenance_workers = 0

            # A Purser that hangs or is killed must not keep its locks.
            idle_in_transaction_session_timeout = 60s
            {(OperatingSystem.IsLinux() ? "client_connection_check_interval = 10s" : "")}

            # The log is bounded, and terse because details and parameters hold personal data.
            logging_collector = on
            log_directory = {Quote(logs)}
            log_filename = 'postgresql-%Y%m%d-%H%M%S.log'
            log_file_mode = 0600
            log_rotation_age = 1d
            log_rotation_size = 16MB
            log_line_prefix = '%m [%p] %a '
            log_timezone = 'UTC'
            log_error_verbosity = terse
            log_parameter_max_length = 0
            log_parameter_max_length_on_error = 0
            log_min_error_statement = panic
            log_min_duration_statement = 1s
            log_lock_waits = on

            timezone = 'UTC'
            lc_messages = 'C'
            include_if_exists = {Quote(custom)}

            """;
    }

    static string Quote(string value) => $"'{value.Replace("'", "''", StringComparison.Ordinal)}'";
}
