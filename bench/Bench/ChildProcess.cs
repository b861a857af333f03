using System.Collections.Concurrent;
using System.Diagnostics;

namespace Bench;

/// <summary>A program the bench started. It is told to stop when disposed, and not left behind when the bench ends early.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private const int LinesKept = 20;
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(20);
    private static readonly ConcurrentDictionary<ChildProcess, byte> Running = StopAllAtExit();

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _said = [];

    private ChildProcess(Process process)
    {
        _process = process;
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
    }

    public bool HasExited => _process.HasExited;

    /// <summary>The last lines it wrote: why it does not run.</summary>
    public string LastWords => string.Join(Environment.NewLine, _said);

    public long ResidentBytes()
    {
        _process.Refresh();
        return _process.WorkingSet64;
    }

    public int Threads()
    {
        _process.Refresh();
        return _process.Threads.Count;
    }

    public static ChildProcess Start(string file, IEnumerable<string> arguments, IEnumerable<KeyValuePair<string, string>> environment)
    {
        var start = new ProcessStartInfo(file, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        var child = new ChildProcess(new Process { StartInfo = start });
        child._process.Start();
        Running[child] = 0;
        child._process.BeginOutputReadLine();
        child._process.BeginErrorReadLine();
        return child;
    }

    /// <returns>The exit code, once it has ended by itself.</returns>
    public async Task<int> EndAsync()
    {
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!Running.ContainsKey(this)) return;   // it was disposed before
        if (!_process.HasExited)
        {
            using (var kill = Process.Start("kill", ["-TERM", Figures.Text($"{_process.Id}")])) await kill.WaitForExitAsync();
            using var limit = new CancellationTokenSource(StopLimit, TimeProvider.System);
            try
            {
                await _process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
            }
        }

        Running.TryRemove(this, out _);
        _process.Dispose();
    }

    private static ConcurrentDictionary<ChildProcess, byte> StopAllAtExit()
    {
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            foreach (var child in Running!.Keys.Where(c => !c.HasExited)) child._process.Kill(entireProcessTree: true);
        };
        return new ConcurrentDictionary<ChildProcess, byte>();
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is null) return;
        _said.Enqueue(line.Data);
        if (_said.Count > LinesKept) _said.TryDequeue(out _);
    }
}
