using System.IO.MemoryMappedFiles;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>
/// What the processes of a run tell each other, in shared memory: which subjects have just been answered, so that all ask for them at once;
/// and changes that were committed and left without an answer, for another node to finish. Each ring has one writer. Nothing is judged by it.
/// </summary>
internal sealed class Board : IDisposable
{
    private const int Slots = 16;
    private const int BlockBytes = 8 * 2 * (1 + (2 * Slots));

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly Lock _lock = new();

    public Board(string path, int nodes)
    {
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.OpenOrCreate, mapName: null, nodes * BlockBytes);
        _view = _file.CreateViewAccessor();
    }

    /// <summary>Subjects that node has seen answered last, newest first.</summary>
    public int Recent(int node, int back)
    {
        var count = _view.ReadInt64(node * BlockBytes);
        return count <= back ? -1 : (int)_view.ReadInt64(Place(node, 0, (count - 1 - back) % Slots));
    }

    public void Answer(int node, int subject)
    {
        lock (_lock) Put(node, 0, subject, 0);
    }

    public void Abandon(int node, int subject, long seq)
    {
        lock (_lock) Put(node, 1, subject, seq);
    }

    /// <returns>Null: none after <paramref name="read"/>, which moves on.</returns>
    public (int Subject, long Seq)? NextAbandoned(int node, ref long read)
    {
        var count = _view.ReadInt64((node * BlockBytes) + (BlockBytes / 2));
        if (count <= read) return null;
        read = Math.Max(read, count - (Slots / 2));
        var place = Place(node, 1, read++ % Slots);
        return ((int)_view.ReadInt64(place), _view.ReadInt64(place + 8));
    }

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }

    private static long Place(int node, int ring, long slot) => (node * BlockBytes) + (ring * BlockBytes / 2) + 8 + (slot * 16);

    private void Put(int node, int ring, int subject, long seq)
    {
        var counter = (node * BlockBytes) + (ring * BlockBytes / 2);
        var count = _view.ReadInt64(counter);
        _view.Write(Place(node, ring, count % Slots), (long)subject);
        _view.Write(Place(node, ring, count % Slots) + 8, seq);
        _view.Write(counter, count + 1);
    }
}
