//! The programs that are built.

/// A package of programs with the same dependencies.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// The dependencies in words, for the tables.
    pub(crate) title: &'static str,
    /// The lines of its dependencies. `ROOT` is the folder of fal-client.
    pub(crate) dependencies: &'static str,
    pub(crate) binaries: &'static [Binary],
}

/// A program: the body of its function `main`, and the items before it.
pub(crate) struct Binary {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) items: &'static str,
    pub(crate) body: &'static str,
}

/// The program that the others are compared with.
pub(crate) const BARE: &str = "bare";

pub(crate) const PROGRAMS: &[Program] = &[
    Program {
        name: BARE,
        title: "reqwest with ring, derived structs",
        dependencies: r#"
reqwest = { version = "0.13.5", default-features = false, features = ["rustls-no-provider", "socks", "stream"] }
rustls = { version = "0.23.27", default-features = false, features = ["ring", "std", "tls12"] }
rustls-platform-verifier = "0.7"
serde = { version = "1", features = ["derive"] }
serde_json = "1"
"#,
        binaries: &[Binary {
            name: BARE,
            title: "reqwest, one request",
            items: "
use std::sync::Arc;

#[derive(serde::Serialize)]
struct Input {
    prompt: &'static str,
    image_url: &'static str,
    strength: f64,
}

#[derive(serde::Deserialize)]
struct Image {
    url: String,
}

#[derive(serde::Deserialize)]
struct Output {
    images: Vec<Image>,
}
",
            body: r#"
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(rustls_platform_verifier::Verifier::new(Arc::clone(&provider))?);
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).build()?;
    let input = Input { prompt: "a fox", image_url: "https://example.com/room.png", strength: 0.9 };
    let request = client.post("https://fal.run/fal-ai/flux/dev/image-to-image");
    let request = request.header("authorization", format!("Key {}", std::env::var("FAL_KEY")?));
    let request = request.header("content-type", "application/json").body(serde_json::to_vec(&input)?);
    let body = request.send().await?.error_for_status()?.bytes().await?;
    let output: Output = serde_json::from_slice(&body)?;
    println!("{}", output.images[0].url);
"#,
        }],
    },
    Program {
        name: "fal-client",
        title: "fal-client with ring",
        dependencies: r#"
fal-client = { path = "ROOT", default-features = false, features = ["ring", "socks"] }
"#,
        binaries: &[
            Binary {
                name: "run",
                title: "fal-client, one `run`",
                items: OURS,
                body: r#"
    let client = Client::from_env()?;
    let input = flux::dev::image_to_image::Input::builder().prompt("a fox").image_url("https://example.com/room.png");
    let response = client.fal_ai().flux().dev().image_to_image().run(input.strength(0.9)).await?;
    println!("{}", response.data.images[0].url);
"#,
            },
            Binary {
                name: "subscribe",
                title: "fal-client, one `subscribe`",
                items: OURS,
                body: r#"
    let client = Client::from_env()?;
    let input = flux::dev::image_to_image::Input::builder().prompt("a fox").image_url("https://example.com/room.png");
    let response = client.fal_ai().flux().dev().image_to_image().subscribe(input.strength(0.9)).await?;
    println!("{}", response.data.images[0].url);
"#,
            },
            Binary {
                name: "six",
                title: "fal-client, six endpoints by `subscribe`",
                items: "use fal_client::endpoints::fal_ai::{fast_lcm_diffusion, fast_sdxl_controlnet_canny, flux, flux_lora};\n\
                        use fal_client::{Client, endpoints::Endpoints};\n",
                body: r#"
    let client = Client::from_env()?;
    let url = "https://example.com/room.png";
    let fal = client.fal_ai();
    let input = flux::dev::image_to_image::Input::builder().prompt("a fox").image_url(url);
    println!("{}", fal.flux().dev().image_to_image().subscribe(input).await?.data.images[0].url);
    let input = flux::dev::redux::Input::builder().image_url(url);
    println!("{}", fal.flux().dev().redux().subscribe(input).await?.data.images[0].url);
    let input = flux_lora::image_to_image::Input::builder().prompt("a fox").image_url(url);
    println!("{}", fal.flux_lora().image_to_image().subscribe(input).await?.data.images[0].url);
    let input = fast_lcm_diffusion::Input::builder().prompt("a fox");
    println!("{}", fal.fast_lcm_diffusion().subscribe(input).await?.data.images[0].url);
    let canny = fal.fast_sdxl_controlnet_canny();
    let input = fast_sdxl_controlnet_canny::image_to_image::Input::builder();
    let input = input.prompt("a fox").control_image_url(url).image_url(url);
    println!("{}", canny.image_to_image().subscribe(input).await?.data.images[0].url);
    let input = fast_sdxl_controlnet_canny::inpainting::Input::builder();
    let input = input.prompt("a fox").control_image_url(url).image_url(url).mask_url(url);
    println!("{}", canny.inpainting().subscribe(input).await?.data.images[0].url);
"#,
            },
        ],
    },
    Program {
        name: "async-openai",
        title: "async-openai 0.43.0, feature `image`",
        dependencies: r#"
async-openai = { version = "=0.43.0", features = ["image"] }
"#,
        binaries: &[Binary {
            name: "openai",
            title: "async-openai, one image",
            items: "use async_openai::{Client, types::images::CreateImageRequestArgs};\n",
            body: r#"
    let request = CreateImageRequestArgs::default().prompt("a fox").build()?;
    println!("{}", Client::new().images().generate(request).await?.data.len());
"#,
        }],
    },
    Program {
        name: "fal",
        title: "fal 0.3.6, one endpoint",
        dependencies: r#"
fal = { version = "=0.3.6", features = ["endpoints_fal-ai_fast-sdxl-controlnet-canny"] }
"#,
        binaries: &[Binary {
            name: "fal",
            title: "fal 0.3.6, one request",
            items: "use fal::endpoints::fal_ai::fast_sdxl_controlnet_canny::*;\n",
            body: r#"
    let input = TextToImageControlNetInput {
        prompt: "a fox".into(),
        control_image_url: "https://example.com/room.png".into(),
        ..Default::default()
    };
    let output = fast_sdxl_controlnet_canny(input).with_api_key(std::env::var("FAL_KEY")?).send().await?;
    println!("{}", output.images[0].url);
"#,
        }],
    },
];

const OURS: &str = "use fal_client::endpoints::fal_ai::flux;\nuse fal_client::{Client, endpoints::Endpoints};\n";
