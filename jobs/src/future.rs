//! The futures of calls.

/// Implements both ways to start a call, `.await` and `.send()`. The call has an async function `start`, which does the work.
macro_rules! call_future {
    ([$($generics:tt)*] $call:ty => $output:ty) => {
        impl<$($generics)*> $call {
            /// Returns the call's future, for functions that take a future: `tokio::spawn`, `JoinSet::spawn`, `join_all`,
            /// `buffer_unordered`. Nothing happens before the future is polled. `call.await` is `call.send().await`.
            pub fn send(self) -> ::futures_util::future::BoxFuture<'static, Result<$output, $crate::error::Error>> {
                ::std::boxed::Box::pin(self.start())
            }
        }

        impl<$($generics)*> ::std::future::IntoFuture for $call {
            type Output = Result<$output, $crate::error::Error>;
            type IntoFuture = ::futures_util::future::BoxFuture<'static, Self::Output>;

            fn into_future(self) -> Self::IntoFuture {
                self.send()
            }
        }
    };
}

pub(crate) use call_future;
