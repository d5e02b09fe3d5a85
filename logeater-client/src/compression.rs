//! How batches are compressed on their way. What a server that cannot read them is sent instead is the transport's.

use tonic::codec::CompressionEncoding;

use crate::builder::ClientBuilder;

/// How the batches of a client are compressed; each way is there with the feature of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// gzip, which every gRPC server of any language can read.
    #[cfg(feature = "gzip")]
    Gzip,
    /// Zstandard: mostly smaller than gzip, and for an eighth of its CPU time.
    #[cfg(feature = "zstd")]
    Zstd,
}

impl ClientBuilder {
    /// Compresses batches; by default they are sent as they are.
    ///
    /// It is for where bandwidth costs: on the client's own thread, an event takes two and a half times the CPU time
    /// with zstd, and twelve times with gzip.
    ///
    /// A server that cannot read it costs one more call: the batch is sent again at once as it is, and so are the
    /// others for a minute. Events that go one by one are too small to be compressed.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.connect.compression = Some(compression.encoding());
        self
    }
}

impl Compression {
    fn encoding(self) -> CompressionEncoding {
        match self {
            #[cfg(feature = "gzip")]
            Self::Gzip => CompressionEncoding::Gzip,
            #[cfg(feature = "zstd")]
            Self::Zstd => CompressionEncoding::Zstd,
        }
    }
}
