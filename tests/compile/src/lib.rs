//! What the cases can name: cargo checks this library, and the compiler finds its dependencies there.
