using System.Buffers;
using BenchmarkDotNet.Attributes;
using SolidCache.Redis.Resp;

namespace Microbenchmarks.SolidCache;

/// <summary>Redis' protocol: one command written, one reply of a hundred bytes read.</summary>
[BenchmarkCategory("SolidCache", AllocationGate.Category)]
public class RespBenchmarks
{
    private readonly ArrayBufferWriter<byte> _output = new(4_096);
    private readonly byte[] _value = new byte[100];
    private readonly RespReader _reader = new(new RespLimits());
    private readonly ReadOnlySequence<byte> _reply = new([.. "$100\r\n"u8, .. new byte[100], .. "\r\n"u8]);

    [Benchmark]
    public int WriteGet()
    {
        _output.ResetWrittenCount();
        new KeyCommand(KeyCommand.Get, "microbenchmarks:1024").Write(new RespWriter(_output));
        return _output.WrittenCount;
    }

    [Benchmark]
    public int WriteSet()
    {
        _output.ResetWrittenCount();
        new SetCommand("microbenchmarks:1024", _value, milliseconds: 60_000, onlyIfAbsent: false).Write(new RespWriter(_output));
        return _output.WrittenCount;
    }

    [Benchmark]
    public bool ReadReply()
    {
        var input = new SequenceReader<byte>(_reply);
        return _reader.TryRead(ref input, out _);
    }
}
